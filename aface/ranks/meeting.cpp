#include "aface/ranks/meeting.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "aface/core/error.h"

namespace aface {
namespace {

using Clock = std::chrono::steady_clock;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

c10::intrusive_ptr<c10d::Store> open_store(const LaunchEnvironment& environment, bool serve,
                                           std::chrono::milliseconds longest) {
  c10d::TCPStoreOptions options;
  options.port = environment.master_port;
  options.isServer = serve;
  options.waitWorkers = false;
  options.timeout = longest;
  c10::intrusive_ptr<c10d::Store> store =
      c10::make_intrusive<c10d::TCPStore>(environment.master_host, options);
  if (environment.store_prefix.empty()) return store;
  return c10::make_intrusive<c10d::PrefixStore>(environment.store_prefix, store);
}

class StoreBoard final : public NoteBoard {
 public:
  explicit StoreBoard(c10::intrusive_ptr<c10d::Store> store) : store_(std::move(store)) {}

  std::int64_t add(const std::string& key, std::int64_t value) override { return store_->add(key, value); }
  void set(const std::string& key, const std::string& text) override {
    store_->set(key, std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  std::optional<std::string> read(const std::string& key) override {
    if (!store_->check({key})) return std::nullopt;
    const std::vector<std::uint8_t> text = store_->get(key);
    return std::string(text.begin(), text.end());
  }

 private:
  c10::intrusive_ptr<c10d::Store> store_;
};

std::string here_key(int rank) { return fmt::format("here/{}", rank); }

// Not one that means something else on another host.
bool is_for_others(const std::string& address) { return address.find('%') == std::string::npos; }

// Returns when all have said where they are.
void wait_for_all(NoteBoard& board, int world_size, std::chrono::milliseconds longest, Meeting& meeting) {
  const auto end = Clock::now() + longest;
  auto pause = std::chrono::milliseconds(5);
  for (int rank = 0; rank < world_size;) {
    if (const std::optional<std::string> note = board.read(here_key(rank))) {
      std::istringstream lines(*note);
      std::string host, process, address, port;
      std::getline(lines, host);
      std::getline(lines, process);
      std::getline(lines, address);
      std::getline(lines, port);
      meeting.hosts.push_back(host);
      meeting.names.push_back(fmt::format("rank {} on {} (process {})", rank, host, process));
      meeting.doors.push_back({address, static_cast<std::uint16_t>(std::strtoul(port.c_str(), nullptr, 10))});
      ++rank;
      continue;
    }
    if (Clock::now() >= end) {
      std::vector<int> missing;
      for (int other = rank; other < world_size && missing.size() < 8; ++other) {
        if (!board.read(here_key(other))) missing.push_back(other);
      }
      throw Error(ErrorKind::kIo,
                  fmt::format("ranks: of {}, rank{} {} did not come to {} within {} s; start all of them",
                              world_size, missing.size() > 1 ? "s" : "", fmt::join(missing, ", "),
                              meeting.place, longest.count() / 1000));
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(500));
  }
}

}  // namespace

Meeting meet(const LaunchEnvironment& environment, const std::string& own_address, std::chrono::milliseconds longest) {
  Meeting meeting;
  meeting.own_door = std::make_shared<Doorbell>();
  meeting.place = fmt::format("{}:{}", environment.master_host, environment.master_port);
  const bool serve = environment.rank == 0 && !environment.store_is_the_launchers;
  try {
    meeting.store = open_store(environment, serve, longest);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kIo, fmt::format("ranks: rank {} cannot {} {}: {}", environment.rank,
                                            serve ? "keep the store at" : "reach the store of rank 0 at",
                                            meeting.place, first_line(error.what())));
  }
  try {
    StoreBoard board(meeting.store);
    board.set(here_key(environment.rank), fmt::format("{}\n{}\n{}\n{}", host_name(), ::getpid(),
                                                   is_for_others(own_address) ? own_address : "",
                                                   meeting.own_door->port()));
    wait_for_all(board, environment.world_size, longest, meeting);
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw Error(ErrorKind::kIo,
                fmt::format("ranks: rank 0 at {} went away before all had come; see its error", meeting.place));
  }
  return meeting;
}

std::unique_ptr<NoteBoard> Meeting::open_board(const LaunchEnvironment& environment) const {
  return std::make_unique<StoreBoard>(open_store(environment, false, std::chrono::seconds(30)));
}

std::string own_address_towards(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;  // connecting it sends nothing, but picks the way
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), fmt::format("{}", port).c_str(), &hints, &found) != 0) return "";
  std::string address;
  for (const addrinfo* way = found; way != nullptr && address.empty(); way = way->ai_next) {
    const int socket = ::socket(way->ai_family, way->ai_socktype, 0);
    if (socket < 0) continue;
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    std::array<char, NI_MAXHOST> text{};
    if (::connect(socket, way->ai_addr, way->ai_addrlen) == 0 &&
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
        ::getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0) {
      address = text.data();
    }
    ::close(socket);
  }
  ::freeaddrinfo(found);
  return address;
}

std::string address_of_interface(const std::string& name) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return "";
  std::string address;
  for (const ifaddrs* one = all; one != nullptr && address.empty(); one = one->ifa_next) {
    if (one->ifa_addr == nullptr || name != one->ifa_name) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ifa_addr, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) address = text.data();
  }
  ::freeifaddrs(all);
  return address;
}

std::string wanted_interface() {
  const char* name = std::getenv("GLOO_SOCKET_IFNAME");
  return name != nullptr ? name : "";
}

std::string own_address(const LaunchEnvironment& environment) {
  const std::string interface = wanted_interface();
  return interface.empty() ? own_address_towards(environment.master_host, environment.master_port)
                           : address_of_interface(interface);
}

}  // namespace aface
