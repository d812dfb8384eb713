#include "aface/ranks/liveness.h"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace aface {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kFailed[] = "failed";
// Who has not looked for so long was stopped itself, or busy: nobody else is to blame for the silence.
constexpr std::chrono::seconds kOwnAbsence{3};

std::string beat_key(int rank) { return fmt::format("beat/{}", rank); }

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }

}  // namespace

struct Liveness::State {
  std::unique_ptr<NoteBoard> board;  // of the thread
  int rank = 0;
  std::vector<std::string> names;
  std::string board_place;
  LivenessOptions options;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  bool stopping = false, stopped = false;
  Clock::time_point last_answer = Clock::now();
  mutable Clock::time_point last_look = Clock::now(), looking_since = Clock::now();
  std::optional<std::string> trouble;
  std::optional<std::string> to_report;
  bool reported = false;

  void set_trouble(const std::string& what) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!trouble) trouble = what;
    changed.notify_all();
  }
  // With the mutex held.
  std::optional<std::string> known_trouble() const {
    if (trouble) return trouble;
    const Clock::time_point now = Clock::now();
    if (now - last_look > kOwnAbsence) looking_since = now;
    last_look = now;
    if (stopped || now - std::max(last_answer, looking_since) < options.silent_after) return std::nullopt;
    return fmt::format("{} has not answered at {} for {:g} s: it is dead, or the link to it is cut", names[0],
                       board_place, seconds(options.silent_after));
  }
};

Liveness::Liveness(std::unique_ptr<NoteBoard> board, int rank, std::vector<std::string> names,
                   std::string board_place, const LivenessOptions& options)
    : state_(std::make_shared<State>()) {
  state_->board = std::move(board);
  state_->rank = rank;
  state_->names = std::move(names);
  state_->board_place = std::move(board_place);
  state_->options = options;
  std::thread([state = state_] { run(state); }).detach();
}

Liveness::~Liveness() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, state_->options.beat_every, [&] { return state_->stopped; });
}

std::optional<std::string> Liveness::trouble() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->known_trouble();
}

std::optional<std::string> Liveness::wait_for_trouble(std::chrono::milliseconds longest) const {
  std::unique_lock<std::mutex> lock(state_->mutex);
  const auto end = Clock::now() + longest;
  while (!state_->known_trouble() && Clock::now() < end)
    state_->changed.wait_for(lock, std::chrono::milliseconds(100));
  return state_->known_trouble();
}

std::chrono::milliseconds Liveness::patience() const {
  return state_->options.silent_after + 3 * state_->options.beat_every;
}

std::chrono::milliseconds Liveness::time_to_read() const {
  return 2 * state_->options.beat_every + std::chrono::milliseconds(500);
}

void Liveness::report_failure(const std::string& message) {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (!state_->trouble) state_->to_report = message;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, 2 * state_->options.beat_every,
                           [&] { return state_->reported || state_->trouble; });
  // The board may end with this process: not before the others have looked.
  state_->changed.wait_for(lock, time_to_read(), [] { return false; });
}

void Liveness::run(const std::shared_ptr<State>& state) {
  struct Peer {
    int rank;
    std::int64_t beats = -1;
    Clock::time_point seen = Clock::now();
  };
  std::vector<Peer> peers;
  for (int peer = 0; peer < static_cast<int>(state->names.size()); ++peer) {
    if (peer != state->rank && (state->rank == 0 || peer == 0)) peers.push_back({peer});
  }
  NoteBoard& board = *state->board;
  bool found_out = false;
  Clock::time_point last_round = Clock::now();
  for (;;) {
    std::optional<std::string> report;
    {
      std::unique_lock<std::mutex> lock(state->mutex);
      state->changed.wait_for(lock, state->options.beat_every,
                              [&] { return state->stopping || (state->to_report && !state->reported); });
      if (state->stopping) break;
      if (!state->reported) report = state->to_report;
    }
    const Clock::time_point now = Clock::now();
    if (now - last_round > state->options.beat_every + kOwnAbsence) {
      for (Peer& peer : peers) peer.seen = now;
    }
    last_round = now;
    try {
      board.add(beat_key(state->rank), 1);
      if (report) board.set(kFailed, *report);
      if (const std::optional<std::string> failed = board.read(kFailed); failed && !report)
        state->set_trouble(*failed);
      for (Peer& peer : peers) {
        const std::int64_t beats = board.add(beat_key(peer.rank), 0);
        if (beats != peer.beats) {
          peer.beats = beats;
          peer.seen = Clock::now();
        } else if (!found_out && Clock::now() - peer.seen > state->options.silent_after) {
          found_out = true;
          const std::string what = fmt::format(
              "{} has given no sign of life for {:g} s: it is dead, stopped, or the link to it is cut",
              state->names[static_cast<std::size_t>(peer.rank)], seconds(state->options.silent_after));
          state->set_trouble(what);
          board.set(kFailed, what);
        }
      }
    } catch (const std::exception&) {
      state->set_trouble(
          fmt::format("{} cannot be reached at {} any more: it has ended, or the link to it is cut",
                      state->names[0], state->board_place));
      break;
    }
    const std::lock_guard<std::mutex> lock(state->mutex);
    if (report) state->reported = true;
    state->last_answer = Clock::now();
    state->changed.notify_all();
  }
  const std::lock_guard<std::mutex> lock(state->mutex);
  state->stopped = true;
  state->changed.notify_all();
}

}  // namespace aface
