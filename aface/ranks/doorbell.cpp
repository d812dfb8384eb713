#include "aface/ranks/doorbell.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "aface/core/error.h"

namespace aface {
namespace {

int open_door(int family, std::uint16_t& port) {
  const int door = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (door < 0) return -1;
  sockaddr_storage any{};
  any.ss_family = static_cast<sa_family_t>(family);
  socklen_t length = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  const int both = 0;
  if (family == AF_INET6) ::setsockopt(door, IPPROTO_IPV6, IPV6_V6ONLY, &both, sizeof both);
  if (::bind(door, reinterpret_cast<const sockaddr*>(&any), length) == 0 && ::listen(door, SOMAXCONN) == 0 &&
      ::getsockname(door, reinterpret_cast<sockaddr*>(&any), &length) == 0) {
    port = ntohs(family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(any).sin6_port
                                    : reinterpret_cast<const sockaddr_in&>(any).sin_port);
    return door;
  }
  ::close(door);
  return -1;
}

bool connects(const addrinfo& way, std::chrono::milliseconds longest) {
  const int caller = ::socket(way.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (caller < 0) return false;
  bool stands = ::connect(caller, way.ai_addr, way.ai_addrlen) == 0;
  if (!stands && errno == EINPROGRESS) {
    pollfd wait = {caller, POLLOUT, 0};
    int trouble = 0;
    socklen_t length = sizeof trouble;
    stands = ::poll(&wait, 1, static_cast<int>(longest.count())) == 1 &&
             ::getsockopt(caller, SOL_SOCKET, SO_ERROR, &trouble, &length) == 0 && trouble == 0;
  }
  ::close(caller);
  return stands;
}

}  // namespace

Doorbell::Doorbell() {
  socket_ = open_door(AF_INET6, port_);
  if (socket_ < 0) socket_ = open_door(AF_INET, port_);
  if (socket_ < 0) throw Error(ErrorKind::kIo, fmt::format("ranks: cannot listen on any port: {}", std::strerror(errno)));
}

Doorbell::~Doorbell() { ::close(socket_); }

bool is_reached(const Door& door, std::chrono::milliseconds longest) {
  if (door.address.empty()) return true;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (::getaddrinfo(door.address.c_str(), fmt::format("{}", door.port).c_str(), &hints, &found) != 0) return false;
  const bool reached = connects(*found, longest);
  ::freeaddrinfo(found);
  return reached;
}

}  // namespace aface
