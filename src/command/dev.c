/* SPDX-License-Identifier: Apache-2.0
 * boxoffice dev: everything on one machine with nothing set up. A private redis-server and PostgreSQL run as children, on
 * unix sockets in a data folder that is kept between starts. */
#include "base/embed.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "command/command.h"
#include "command/new_sale.h"
#include "loop/loop.h"
#include "loop/supervise.h"
#include "metrics/metrics.h"
#include "redis/scripts.h"

#include <arpa/inet.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK_MS 50
#define SOCKET_PATH_MAX 90 /* sun_path has 108 bytes */

struct dev {
    char program[4096];
    uv_loop_t loop;
    struct bo_config config;
    char *data;
    char path[4096];           /* of the written configuration */
    struct passwd *other_user; /* who runs PostgreSQL when we are root; NULL: ourselves */
    struct bo_supervisor *supervisor;
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t *check;
    bool serving;
};

static char *join_path(const char *a, const char *b) {
    struct bo_buffer path = {0};
    bo_buffer_printf(&path, "%s/%s", a, b);
    return path.data;
}

/* ---- the data folder ---- */

static char *default_data_folder(void) {
    const char *home = getenv("HOME");
    if (geteuid() == 0) return bo_strdup("/var/lib/boxoffice-dev"); /* /root is closed to the user PostgreSQL runs as */
    return join_path(home ? home : ".", ".boxoffice-dev");
}

static int make_folder(struct dev *dev, const char *name, mode_t mode, bool for_postgres) {
    char *path = join_path(dev->data, name);
    int status = mkdir(path, mode) == 0 || access(path, X_OK) == 0 ? 0 : -1;
    if (status == 0 && for_postgres && dev->other_user)
        status = chown(path, dev->other_user->pw_uid, dev->other_user->pw_gid);
    if (status != 0) fprintf(stderr, "boxoffice dev: the folder %s cannot be made. Choose another with --data\n", path);
    free(path);
    return status;
}

static int make_folders(struct dev *dev) {
    if (strlen(dev->data) > SOCKET_PATH_MAX) {
        fprintf(stderr, "boxoffice dev: the path %s is too long for unix sockets (%d at most). Choose another with --data\n", dev->data,
                SOCKET_PATH_MAX);
        return -1;
    }
    if (geteuid() == 0 && !(dev->other_user = getpwnam("postgres"))) {
        fprintf(stderr, "boxoffice dev: as root, PostgreSQL has to run as the user \"postgres\", which does not exist\n");
        return -1;
    }
    if (mkdir(dev->data, 0755) != 0 && access(dev->data, W_OK) != 0) {
        fprintf(stderr, "boxoffice dev: the folder %s cannot be made. Choose another with --data\n", dev->data);
        return -1;
    }
    return make_folder(dev, "redis", 0700, false) | make_folder(dev, "postgres", 0700, true) | make_folder(dev, "run", 0755, true);
}

/* Secrets are made once, so that places and tickets stay valid over restarts. */
static int read_or_make_secret(const struct dev *dev, const char *name, char ret[65]) {
    char *path = join_path(dev->data, name);
    FILE *f = fopen(path, "r");
    bool have = f && fgets(ret, 65, f) && strlen(ret) >= 32;
    if (f) fclose(f);
    if (!have) {
        char random[BO_ID_MAX + 1];
        bo_text_random_id("", random);
        bo_text_hmac(random, name, strlen(name), ret);
        umask(077);
        f = fopen(path, "w");
        have = f && fputs(ret, f) >= 0;
        if (f && fclose(f) != 0) have = false;
        umask(022);
    }
    if (!have) fprintf(stderr, "boxoffice dev: %s cannot be written\n", path);
    free(path);
    return have ? 0 : -1;
}

static int write_config(struct dev *dev, const char *port, const char *admin_port, const char *gateways) {
    char secret[65], token[65];
    if (read_or_make_secret(dev, "secret", secret) != 0 || read_or_make_secret(dev, "admin-token", token) != 0) return -1;
    snprintf(dev->path, sizeof(dev->path), "%s/boxoffice.ini", dev->data);
    umask(077);
    FILE *f = fopen(dev->path, "w");
    umask(022);
    if (!f) {
        fprintf(stderr, "boxoffice dev: %s cannot be written\n", dev->path);
        return -1;
    }
    fprintf(f, "; written by boxoffice dev at every start; the environment (BOXOFFICE_<NAME>) goes over it\n"
               "listen_port = %s\nadmin_port = %s\ngateways = %s\npublic_url = http://localhost:%s\n"
               "redis = unix:%s/run/redis.sock\npostgres = host=%s/run user=boxoffice dbname=postgres\n"
               "secret = %s\nadmin_tokens = dev:%s\n",
            port, admin_port, gateways, port, dev->data, dev->data, secret, token);
    return fclose(f);
}

/* ---- children ---- */

static char *postgres_program(const char *name) {
    glob_t found;
    char *path = NULL;
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "/usr/lib/postgresql/*/bin/%s", name);
    if (glob(pattern, 0, NULL, &found) == 0) path = bo_strdup(found.gl_pathv[found.gl_pathc - 1]);
    globfree(&found);
    return path ? path : bo_strdup(name);
}

static void become(const struct passwd *user) {
    if (user && (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0 || chdir("/") != 0)) _exit(127);
}

static int make_database_folder(const struct dev *dev) {
    char *data = join_path(dev->data, "postgres"), *version = join_path(data, "PG_VERSION");
    int status = 0;
    if (access(version, F_OK) != 0) {
        char *program = postgres_program("initdb");
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            become(dev->other_user);
            if (!freopen("/dev/null", "w", stdout)) _exit(127);
            execlp(program, program, "-D", data, "-U", "boxoffice", "--auth=trust", "--no-locale", "-E", "UTF8", (char *)NULL);
            _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
            fprintf(stderr, "boxoffice dev: %s failed. Is PostgreSQL installed, and may its user enter %s?\n", program, dev->data);
            status = -1;
        }
        free(program);
    }
    free(version);
    free(data);
    return status;
}

static void start_stores(struct dev *dev) {
    char *socket = join_path(dev->data, "run/redis.sock"), *redis_dir = join_path(dev->data, "redis"),
         *pg_dir = join_path(dev->data, "postgres"), *run_dir = join_path(dev->data, "run"), *log = join_path(dev->data, "redis/redis.log"),
         *program = postgres_program("postgres");
    char *redis[] = {"redis-server", "--port",     "0",  "--unixsocket", socket,        "--dir",       redis_dir,  "--appendonly", "yes",
                     "--save",       "",           "--loglevel", "warning", "--logfile", log, "--unixsocketperm", "700", "--daemonize", "no",       NULL};
    char *postgres[] = {program, "-D", pg_dir, "-k", run_dir, "-c", "listen_addresses=", "-c", "log_min_messages=fatal",
                        "-c", "log_startup_progress_interval=0", NULL};
    struct bo_child child = {.name = "redis", .argv = redis, .stop_signal = SIGTERM, .stop_rank = 2, .stop_ms = 20000, .own_group = true};
    bo_supervisor_add(dev->supervisor, &child);
    child.argv = postgres;
    child.stop_signal = SIGINT; /* "fast": ends sessions, writes everything */
    snprintf(child.name, sizeof(child.name), "postgres");
    if (dev->other_user) {
        child.uid = dev->other_user->pw_uid;
        child.gid = dev->other_user->pw_gid;
    }
    bo_supervisor_add(dev->supervisor, &child);
    free(socket);
    free(redis_dir);
    free(pg_dir);
    free(run_dir);
    free(log);
    free(program);
}

/* ---- starting up, step by step ---- */

static json_t *example(const char *name) {
    for (const struct bo_embedded *e = bo_examples; e->name; e++)
        if (strcmp(e->name, name) == 0) return json_loadb(e->data, e->length, 0, NULL);
    return NULL;
}

static int prepare_database(struct dev *dev) {
    char *socket = join_path(dev->data, "run/.s.PGSQL.5432"), *redis = join_path(dev->data, "run/redis.sock");
    bool there = access(socket, F_OK) == 0 && access(redis, F_OK) == 0;
    free(socket);
    free(redis);
    struct bo_scripts *reader;
    struct bo_database *db;
    if (!there || bo_scripts_open(dev->config.redis, 1000, &reader) != 0) return -1;
    bo_scripts_close(reader);
    if (bo_database_open(dev->config.postgres, &db) != 0) return -1;
    int err = bo_database_migrate(db);
    struct bo_new_sale sale = {.id = "demo", .name = "Example concert", .plan = example("hall.json"), .settings = example("hall-settings.json"), .open = true};
    if (!err) err = bo_sale_insert(db, &sale, bo_config_is_stripe(&dev->config), true);
    json_decref(sale.plan);
    json_decref(sale.settings);
    bo_database_close(db);
    return err;
}

static bool listens(int64_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    if (fd >= 0) close(fd);
    return yes;
}

static void print_addresses(const struct dev *dev) {
    printf("\nboxoffice is running. Open\n\n"
           "    http://localhost:%lld/?sale=demo      as somebody who wants a ticket\n\n"
           "    http://%s:%lld/                      as the operator, with the token\n"
           "    %s\n\n"
           "data        %s\n"
           "Ctrl-C stops everything.\n\n",
           (long long)dev->config.listen_port, dev->config.admin_host, (long long)dev->config.admin_port,
           strchr(dev->config.admin_tokens, ':') ? strchr(dev->config.admin_tokens, ':') + 1 : "", dev->data);
    fflush(stdout);
}

static void stopped(void *arg) { uv_stop(&((struct dev *)arg)->loop); }

static void on_stop(uv_signal_t *signal, int signum) {
    (void)signum;
    struct dev *dev = signal->data;
    bo_loop_timer_free(dev->check);
    dev->check = NULL;
    bo_supervisor_stop(dev->supervisor);
}

static void check(uv_timer_t *timer) {
    struct dev *dev = timer->data;
    if (!dev->serving) {
        if (prepare_database(dev) != 0) return;
        dev->serving = true;
        if (bo_serve_start(dev->supervisor, dev->program, &dev->config, dev->path) != 0) on_stop(&dev->on_term, 0);
        return;
    }
    if (!listens(dev->config.listen_port)) return;
    bo_loop_timer_free(timer);
    dev->check = NULL;
    print_addresses(dev);
}

static void on_reload(uv_signal_t *signal, int signum) {
    bo_supervisor_signal(((struct dev *)signal->data)->supervisor, "gateway", signum);
}

static void start_signal(struct dev *dev, uv_signal_t *handle, uv_signal_cb cb, int signum) {
    uv_signal_init(&dev->loop, handle);
    handle->data = dev;
    uv_signal_start(handle, cb, signum);
}

static int run(struct dev *dev) {
    int metrics = bo_metrics_create();
    uv_loop_init(&dev->loop);
    dev->supervisor = bo_supervisor_new(&dev->loop, stopped, dev);
    start_signal(dev, &dev->on_term, on_stop, SIGTERM);
    start_signal(dev, &dev->on_int, on_stop, SIGINT);
    start_signal(dev, &dev->on_hup, on_reload, SIGHUP);
    signal(SIGUSR2, SIG_IGN); /* of serve only */
    start_stores(dev);
    dev->check = bo_loop_timer(&dev->loop, CHECK_MS, CHECK_MS, check, dev);
    uv_run(&dev->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&dev->on_term, NULL);
    uv_close((uv_handle_t *)&dev->on_int, NULL);
    uv_close((uv_handle_t *)&dev->on_hup, NULL);
    bo_supervisor_free(dev->supervisor);
    int busy = bo_loop_drain(&dev->loop);
    if (metrics >= 0) close(metrics);
    return busy ? 1 : 0;
}

int bo_command_dev(int argc, char **argv) {
    struct dev dev = {0};
    size_t size = sizeof(dev.program);
    const char *data = bo_option(&argc, argv, "--data"), *port = bo_option(&argc, argv, "--port"),
               *admin_port = bo_option(&argc, argv, "--admin-port"), *gateways = bo_option(&argc, argv, "--gateways");
    if (bo_option_end(argc, argv, 0, "dev [--data FOLDER] [--port 8080] [--admin-port 8081] [--gateways 2]")) return 2;
    if (data && mkdir(data, 0755) != 0 && access(data, W_OK) != 0) {
        fprintf(stderr, "boxoffice dev: the folder %s cannot be made\n", data);
        return 1;
    }
    if (uv_exepath(dev.program, &size) != 0) snprintf(dev.program, sizeof(dev.program), "boxoffice");
    dev.data = data ? realpath(data, NULL) : default_data_folder();
    if (!dev.data) return 1;
    int status = 1;
    if (make_folders(&dev) == 0 && write_config(&dev, port ? port : "8080", admin_port ? admin_port : "8081", gateways ? gateways : "2") == 0) {
        status = bo_command_config(dev.path, "supervisor", &dev.config);
        if (!status) status = make_database_folder(&dev) == 0 ? run(&dev) : 1;
        bo_config_free(&dev.config);
    }
    free(dev.data);
    return status;
}
