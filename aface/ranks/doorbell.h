#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace aface {

// A port on which this process listens and says nothing: others learn by it whether they reach this host.
class Doorbell {
 public:
  Doorbell();  // throws Error{kIo}
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  int socket_ = -1;
};

// Where another rank's is: the address that it talks from, as numbers; empty: not known.
struct Door {
  std::string address;
  std::uint16_t port = 0;
};

// Whether a connection to it is made within `longest`; a door whose address is not known counts as reached.
bool is_reached(const Door& door, std::chrono::milliseconds longest);

}  // namespace aface
