#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
};

// Says when a rank of the run is gone: dead, cut off, or failed with an error of its own. A thread counts
// this rank up on the board once a beat, looks at rank 0 (rank 0: at everybody), and at what others found
// out; so that whoever waits for a rank that will never answer learns so, and which one it is. Rank 0's beats
// need not come from where the board is kept.
class Liveness {
 public:
  // `names[r]`: how rank r is called in messages ("rank 2 on node7"); `board_place`: where the board is kept.
  // The board is used by the thread alone.
  Liveness(std::unique_ptr<NoteBoard> board, int rank, std::vector<std::string> names,
           std::string board_place, const LivenessOptions& options = {});
  // Gives up a thread that is stuck in a board that does not answer.
  ~Liveness();
  Liveness(const Liveness&) = delete;
  Liveness& operator=(const Liveness&) = delete;

  // What is wrong, in one line; nothing while all is well. Once there, it stays.
  std::optional<std::string> trouble() const;
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
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the thread, which may outlive this
};

}  // namespace aface
