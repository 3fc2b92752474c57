/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 65535     /* the kernel takes the smaller of this and net.core.somaxconn */
#define SILENT_S 10       /* the kernel keeps a connection to itself until its first byte, so long: who never speaks costs a gateway nothing (TCP_DEFER_ACCEPT) */
#define SEND_BUFFER 65536 /* the kernel's, per connection: it would grow to megabytes for who does not read */

static bool set_option(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof(value)) == 0; }

int bo_listen_open(const char *host, int port, bool corked, int dead_peer_ms) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    errno = EINVAL; /* what inet_pton does not say */
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
        set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) && set_option(fd, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER) &&
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) && set_option(fd, IPPROTO_TCP, TCP_CORK, corked) &&
        set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, SILENT_S) && set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, dead_peer_ms) && set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
        set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, dead_peer_ms / 1000) && set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, dead_peer_ms / 5000) &&
        bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

bool bo_listen_is_on(int fd, int port) {
    struct sockaddr_in address = {0};
    socklen_t length = sizeof(address);
    return getsockname(fd, (struct sockaddr *)&address, &length) == 0 && address.sin_family == AF_INET && ntohs(address.sin_port) == port;
}
