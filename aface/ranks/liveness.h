#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aface/ranks/doorbell.h"

namespace aface {

// Where ranks leave each other notes: a few operations of a key-value store, all of which answer at once or
// throw.
class NoteBoard {
 public:
  virtual ~NoteBoard() = default;
  virtual std::int64_t add(const std::string& key, std::int64_t value) = 0;  // a missing key counts as 0
  virtual void set(const std::string& key, const std::string& text) = 0;
  virtual std::optional<std::string> read(const std::string& key) = 0;
};

struct LivenessOptions {
  std::chrono::milliseconds beat_every{500};
  std::chrono::milliseconds silent_after{10000};  // a rank without a beat for so long is given up
  std::chrono::milliseconds stuck_after{8000};    // all ranks wait for each other for so long: who reaches whom?
};

// Says when a rank of the run is gone: dead, cut off, or failed with an error of its own. A thread counts
// this rank up on the board once a beat, looks at rank 0 (rank 0: at everybody), and at what others found
// out; so that whoever waits for a rank that will never answer learns so, and which one it is. Rank 0's beats
// need not come from where the board is kept. When all are alive and all wait in some operation and stay there, every rank
// tries whether it reaches the others: of two that reach rank 0 but not each other one will find out.
class Liveness {
 public:
  // `names[r]`: how rank r is called in messages ("rank 2 on node7"); `board_place`: where the board is kept.
  // `doors[r]`: where rank r is reached. The board is used by the thread alone.
  Liveness(std::unique_ptr<NoteBoard> board, int rank, std::vector<std::string> names, std::vector<Door> doors,
           std::string board_place, const LivenessOptions& options = {});
  // Gives up a thread that is stuck in a board that does not answer.
  ~Liveness();
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  // What is wrong, in one line; nothing while all is well. Once there, it stays.
  std::optional<std::string> trouble() const;
  // That this rank has been waiting in an operation for a while, by a number of its own above 0; 0: not any more.
  void waits_in(std::int64_t operation);
  // Returns when every rank has reached all others, or with what is wrong.
  std::optional<std::string> wait_for_all_doors(std::chrono::milliseconds longest);
  // The same, after up to `longest`, for one who knows that something is wrong.
  std::optional<std::string> wait_for_trouble(std::chrono::milliseconds longest) const;
  // A time after which a rank that went silent now will have been found out.
  std::chrono::milliseconds patience() const;
  // A time in which the others will have read what is on the board.
  std::chrono::milliseconds time_to_read() const;

  // Tells the others that this rank ends with an error, and returns when they have had the time to read it.
  void report_failure(const std::string& message);

 private:
  struct State;
  class Standstill;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this
};

}  // namespace aface
