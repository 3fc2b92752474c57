/* SPDX-License-Identifier: Apache-2.0
 * The floor of bench/run.sh line, million and holds: libwebsockets accepts and keeps connections, with the settings boxoffice uses, sends
 * what it hears back at once, and does nothing else. On SIGUSR1 every process writes one prepared frame to every connection with a bare send(), again and again for
 * the given rounds, and prints what that took.
 * usage: bare PORT PROCESSES [ROUNDS FRAME_BYTES] */
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define FILES_MAX 65536

static struct {
    uv_loop_t loop;
    uv_poll_t poll;
    uv_signal_t on_usr1, on_term;
    uv_timer_t round;
    struct lws_context *context;
    struct lws_vhost *vhost;
    bool open[FILES_MAX];
    int listener, rounds, rounds_left, frame_bytes;
    long sent, missed;
    double cpu_us;
} server;

static void echo(struct lws *wsi, const void *in, size_t length) {
    static unsigned char room[LWS_PRE + 4096];
    if (length > 4096) return;
    memcpy(room + LWS_PRE, in, length);
    lws_write(wsi, room + LWS_PRE, length, LWS_WRITE_TEXT);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    int fd = reason == LWS_CALLBACK_ESTABLISHED || reason == LWS_CALLBACK_CLOSED ? lws_get_socket_fd(wsi) : -1;
    if (fd >= 0 && fd < FILES_MAX) server.open[fd] = reason == LWS_CALLBACK_ESTABLISHED;
    if (reason == LWS_CALLBACK_RECEIVE) echo(wsi, in, length);
    return lws_callback_http_dummy(wsi, reason, user, in, length);
}

static const struct lws_protocols protocols[] = {{"bare", on_event, 0, 128, 0, NULL, 65536}, {NULL, NULL, 0, 0, 0, NULL, 0}};

static void on_incoming(uv_poll_t *poll, int status, int events) {
    (void)poll;
    (void)status;
    (void)events;
    for (int i = 0, fd; i < 64 && (fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0; i++)
        lws_adopt_socket_vhost(server.vhost, fd);
}

static double cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void send_round(uv_timer_t *timer) {
    unsigned char frame[1024] = {0x81, (unsigned char)(server.frame_bytes - 2)};
    memset(frame + 2, ' ', sizeof(frame) - 2);
    double before = cpu_us();
    for (int fd = 0; fd < FILES_MAX; fd++) {
        if (!server.open[fd]) continue;
        if (send(fd, frame, (size_t)server.frame_bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == server.frame_bytes)
            server.sent++;
        else
            server.missed++;
    }
    server.cpu_us += cpu_us() - before;
    if (--server.rounds_left) return;
    uv_timer_stop(timer);
    printf("{\"sent\":%ld,\"missed\":%ld,\"cpu_us_per_frame\":%.3f}\n", server.sent, server.missed, server.cpu_us / (double)(server.sent ? server.sent : 1));
    fflush(stdout);
}

static void on_usr1(uv_signal_t *handle, int signum) {
    (void)handle;
    (void)signum;
    server.rounds_left = server.rounds;
    server.sent = server.missed = 0;
    server.cpu_us = 0;
    uv_timer_start(&server.round, send_round, 0, 1000);
}

static void on_term(uv_signal_t *handle, int signum) {
    (void)handle;
    (void)signum;
    _exit(0);
}

static void listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(server.listener, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    setsockopt(server.listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (bind(server.listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(server.listener, 65535) != 0) {
        perror("bare: listen");
        exit(1);
    }
}

static void serve(int port) {
    static const lws_retry_bo_t no_idle_timers = {0};
    void *loops[] = {&server.loop};
    struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN, .foreign_loops = loops, .gid = (gid_t)-1, .uid = (uid_t)-1,
                                             .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6};
    struct lws_context_creation_info vhost = {.vhost_name = "bare", .port = CONTEXT_PORT_NO_LISTEN_SERVER, .protocols = protocols,
                                              .options = LWS_SERVER_OPTION_DISABLE_IPV6, .retry_and_idle_policy = &no_idle_timers,
                                              .keepalive_timeout = 30, .timeout_secs = 10};
    lws_set_log_level(LLL_ERR, NULL);
    uv_loop_init(&server.loop);
    listen_on(port);
    server.context = lws_create_context(&info);
    server.vhost = server.context ? lws_create_vhost(server.context, &vhost) : NULL;
    if (!server.vhost) exit(1);
    uv_poll_init(&server.loop, &server.poll, server.listener);
    uv_poll_start(&server.poll, UV_READABLE, on_incoming);
    uv_timer_init(&server.loop, &server.round);
    uv_signal_init(&server.loop, &server.on_usr1);
    uv_signal_start(&server.on_usr1, on_usr1, SIGUSR1);
    uv_signal_init(&server.loop, &server.on_term);
    uv_signal_start(&server.on_term, on_term, SIGTERM);
    uv_run(&server.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    server.rounds = argc > 3 ? atoi(argv[3]) : 1;
    server.frame_bytes = argc > 4 ? atoi(argv[4]) : 100;
    if (server.frame_bytes < 2 || server.frame_bytes > 125) return 2;
    for (int i = 0; i < atoi(argv[2]); i++) {
        if (fork()) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(atoi(argv[1]));
        _exit(1);
    }
    signal(SIGUSR1, SIG_IGN);
    while (wait(NULL) > 0 || errno == EINTR) {
    }
    return 0;
}
