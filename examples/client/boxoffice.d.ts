// SPDX-License-Identifier: Apache-2.0
/** Times in ms, money in the currency's smallest unit (docs/protocol.md). */

export interface Storage {
  get(name: string): string | null;
  set(name: string, value: string | number): void;
  remove(name: string): void;
}
/** localStorage where it works, else this page's memory. */
export const storage: Storage;

/** A text, or what returns one when it is needed: tokens are short-lived. */
export type Token = string | (() => Promise<string | undefined>);

export interface Options {
  sale: string;
  /** Origin of the boxoffice server; by default the page's own. */
  server?: string | URL;
  /** The site's signed token of this person (JWT). */
  token?: Token;
  /** The account token of GET /api/accounts/me. */
  account?: Token;
  /** Of POST /api/sales/{sale}/invitations. */
  invitation?: string;
  storage?: Storage;
  /** Where there is none of the platform's own: Node before 22. */
  WebSocket?: unknown;
}

/**
 * connecting: no answer yet. gather: before the opening, the lots are not drawn. wait: in line. claim: his turn, to be taken up by enter().
 * choose, pay: inside. bought. out: it ended for him; join({ again: true }) gives a new place. sold_out, ended: over for everyone.
 */
export type Stage = 'connecting' | 'gather' | 'wait' | 'claim' | 'choose' | 'pay' | 'bought' | 'out' | 'sold_out' | 'ended';

export interface Tariffed { seat: string; tariff: string }
export interface BestWish { count: number; category?: string; zone?: string; price_max?: number; accessible?: boolean }
export interface Ticket { seat: string; zone: string; row: string; number: string; category: string; order: string; tariff: string; code: string; price: number; checked_in_ms?: number }
/** A former ticket: refunded (void), or transferred to another person (handed_on). */
export interface Gone { seat: string; zone: string; row: string; number: string; category: string; order: string; state: 'void' | 'handed_on' }
/** Opens one person's tickets of an order in any browser, until 30 days after the show. */
export interface TicketLink { order: string; link: string; link_expires_ms: number }
/** key: the bearer token that opens the ticket, for its QR code and for transferring it. */
export interface Wallet { tickets: (Ticket & { key: string })[]; gone: Gone[]; links: TicketLink[]; refused: { key: string; code?: string }[] }
export interface Bought { type: 'bought'; order: string; tickets: Ticket[]; link: string; link_expires_ms: number }
export interface Held { type: 'held' | 'released'; key: string; left_ms: number; seats: string[]; amount: number; currency: string; digits: number }
export interface Pay { type: 'pay'; order: string; amount: number; currency: string; digits: number; left_ms: number; url?: string; client_secret?: string; publishable_key?: string }

/** There is nothing to pay; "bought" follows. */
export interface Free { type: 'free'; order: string; url?: undefined }

export interface Description {
  sale: string; name: string; status: string; currency: string; digits: number; limit: number; seats: number;
  guests: boolean; accounts: boolean; site_tokens: boolean;
  now_ms: number; opens_at_ms: number; gathers_at_ms: number; starts_at_ms: number;
  claim_ms: number; choose_ms: number; pay_ms: number; grace_ms: number; extend_ms: number;
  title: string; venue: string; city: string; time_zone: string; about: string; welcome: string; color: string; logo: string;
  tariffs: { name: string; percent?: number; price?: number; limit: number }[];
}
export interface Plan {
  currency: string;
  /** Behind the point, by ISO 4217: show amount / 10 ** digits, whatever the browser thinks of this currency. */
  digits: number;
  categories: { name: string; color: string; price: number }[];
  size: { width: number; height: number };
  /** [seat_guid, zone, row, number, index of the category, x, y, and what it is for], in the order of the map's states. */
  seats: [string, string, string, string, number, number, number, ('accessible' | 'companion')?][];
}

/** A command that was refused, or could not be understood. code: one of docs/protocol.md; answer: the whole message. */
export class Refused extends Error {
  code: string;
  answer: { code: string; message: string; seats?: string[]; left?: number; retry_ms?: number };
}

export interface Events {
  /** What is to be shown has changed. */
  stage: { stage: Stage; before: Stage };
  connection: { state: 'online' | 'offline' | 'reconnecting' };
  /** He was away for longer than places are kept, and has a new one. */
  place_lost: { before: number; number: number };
  /** Every message of the server, also under its own type: joined, position, gathering, notice, admitted, entered, map, seats, held, pay, bought, … */
  message: { type: string };
}

export class Boxoffice extends EventTarget {
  constructor(options: Options);
  readonly sale: string;
  readonly stage: Stage;
  readonly connection?: Events['connection']['state'];
  readonly person?: string;
  /** His place, never rising at one number; how many are behind; the part of the way he has come, 0 to 1. */
  readonly position?: number;
  readonly behind?: number;
  readonly progress?: number;
  /** The admission, a JWT (docs/protocol.md), once it is his turn. */
  readonly access?: string;
  /** When the present stage ends, on the clock of performance.now(). */
  readonly deadline?: number;
  /** Goes through everything that is logged and stored about this person. */
  readonly trace: string;
  /** The key to the place, kept in the storage; null before the first join. Set it to take over a place that was given elsewhere. */
  resume: string | null;
  /** Every key in the storage that tickets may hang on: this one, ticket links, and keys of places before. None is dropped but by forget(). */
  readonly keys: string[];

  /** Gets in line, or back to the place of before; from then on the connection is kept by itself. */
  join(options?: { again?: boolean }): this;
  /** Closes the connection. The place is kept for the sale's grace time. */
  close(): void;
  /** Forgets place and tickets in this browser. */
  forget(): void;
  leave(): boolean;
  /** Takes up the admission: from here the time for choosing runs. Needed once; after a lost connection the library does it. */
  enter(): boolean;
  /** From now on "map" and "seats" come. */
  watchMap(): boolean;

  /** Commands: repeated under the same key until they are answered, also over lost connections; rejected with Refused. All seats or none. */
  hold(seats: (string | Tariffed)[]): Promise<Held>;
  release(seats: string[]): Promise<Held>;
  best(wish: BestWish): Promise<Held>;
  take(item: string, count?: number): Promise<Held | { type: 'granted'; item: string; count: number; number: number }>;
  bid(lot: string, amount: number, currency: string): Promise<{ type: 'bid'; lot: string; amount: number; closes_ms: number }>;
  extend(): Promise<{ type: 'extended'; left_ms: number; again: number }>;
  /** Makes an order of what is held, or of a lot that was won; "bought" or "order_failed" follow as events. */
  checkout(order?: string): Promise<Pay | Free>;

  describe(): Promise<Description>;
  plan(): Promise<Plan>;
  stock(): Promise<{ item: string; kind: string; total: number; left: number; limit: number; price: number }[]>;
  /** By all keys of this browser; rejected where there is none, or none holds. */
  tickets(): Promise<Ticket[]>;
  /** The same with what is gone and with the ticket links, and by further keys: the token of a ticket link, or an account's. */
  wallet(others?: string[]): Promise<Wallet>;

  addEventListener<T extends keyof Events>(type: T, listener: (event: Event & { detail: Events[T] }) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: ((event: Event & { detail: any }) => void) | EventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}
