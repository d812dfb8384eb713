#pragma once

#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "aface/ranks/doorbell.h"
#include "aface/ranks/launch_environment.h"
#include "aface/ranks/liveness.h"

namespace aface {

// The store at which all ranks have met, and who is where.
struct Meeting {
  c10::intrusive_ptr<c10d::Store> store;
  std::vector<std::string> hosts;  // [world_size]
  std::vector<std::string> names;  // [world_size] "rank 2 on node7 (process 4711)"
  std::string place;               // "node1:29500"
  std::vector<Door> doors;         // [world_size]
  std::shared_ptr<Doorbell> own_door;

  // A connection of its own to the same store.
  std::unique_ptr<NoteBoard> open_board(const LaunchEnvironment& environment) const;
};

// `own_address`: from which this rank talks to the others, as numbers; empty: not known. Throws Error{kIo} when the store cannot be opened or not all ranks come within `longest`.
Meeting meet(const LaunchEnvironment& environment, const std::string& own_address, std::chrono::milliseconds longest);

// That of an interface of this host, as numbers; empty when it has none.
std::string address_of_interface(const std::string& name);

// The interface that GLOO_SOCKET_IFNAME names, as PyTorch takes it; empty: that on the way to the master.
std::string wanted_interface();

// The address that this rank talks from, as numbers; empty when nothing says so.
std::string own_address(const LaunchEnvironment& environment);

// The address of this host on the way to `host`, as numbers; empty when there is none.
std::string own_address_towards(const std::string& host, std::uint16_t port);

}  // namespace aface
