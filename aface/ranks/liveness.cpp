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

// How long a connection may take that is tried.
constexpr std::chrono::milliseconds kTry{3000};
constexpr char kTries[] = "tries", kTried[] = "tried";

std::string beat_key(int rank) { return fmt::format("beat/{}", rank); }
std::string wait_key(int rank) { return fmt::format("wait/{}", rank); }

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1000; }

}  // namespace

struct Liveness::State {
  std::unique_ptr<NoteBoard> board;  // of the thread
  int rank = 0;
  std::vector<std::string> names;
  std::vector<Door> doors;
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
  std::int64_t waits_in = 0;
  bool wants_all_doors = false;  // to know whether all are reached by all
  std::int64_t have_tried = 0;   // ranks that reach all others

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

namespace {

// Of the first rank that is not reached.
std::optional<std::string> unreached(int rank, const std::vector<std::string>& names, const std::vector<Door>& doors) {
  for (std::size_t peer = 0; peer < doors.size(); ++peer) {
    if (static_cast<int>(peer) == rank || is_reached(doors[peer], kTry)) continue;
    return fmt::format("{} does not reach {} at {}, though both are alive: the link between them is cut, or a firewall "
                       "is in the way",
                       names[static_cast<std::size_t>(rank)], names[peer], doors[peer].address);
  }
  return std::nullopt;
}

}  // namespace

// Of the thread: what all ranks wait for, and whether to try who reaches whom.
class Liveness::Standstill {
 public:
  explicit Standstill(std::size_t ranks) : seen_(ranks) {}

  // Once a beat. What it finds wrong.
  std::optional<std::string> look(State& state, std::int64_t waits_in) {
    NoteBoard& board = *state.board;
    if (waits_in != told_) board.set(wait_key(state.rank), fmt::format("{}", waits_in));
    told_ = waits_in;
    if (state.rank == 0) {
      if (waits_in == 0) since_ = Clock::now();
      if (Clock::now() - since_ > state.options.stuck_after && all_stay(board, waits_in, state.options.stuck_after)) {
        board.add(kTries, 1);
        since_ = Clock::now();
      }
    }
    if (waits_in == 0) return std::nullopt;
    const std::int64_t tries = board.add(kTries, 0);
    if (tries == tries_) return std::nullopt;
    tries_ = tries;
    return unreached(state.rank, state.names, state.doors);
  }

 private:
  struct Seen {
    std::string operation;
    Clock::time_point since = Clock::now();
  };

  bool all_stay(NoteBoard& board, std::int64_t own, std::chrono::milliseconds longest) {
    bool stay = true;
    for (std::size_t rank = 0; rank < seen_.size(); ++rank) {
      const std::string operation = rank == 0 ? fmt::format("{}", own)
                                              : board.read(wait_key(static_cast<int>(rank))).value_or("0");
      if (operation != seen_[rank].operation) seen_[rank] = {operation, Clock::now()};
      stay = stay && operation != "0" && Clock::now() - seen_[rank].since > longest / 2;
    }
    return stay;
  }

  std::vector<Seen> seen_;
  std::int64_t told_ = 0, tries_ = 0;
  Clock::time_point since_ = Clock::now();
};

Liveness::Liveness(std::unique_ptr<NoteBoard> board, int rank, std::vector<std::string> names, std::vector<Door> doors,
                   std::string board_place, const LivenessOptions& options)
    : state_(std::make_shared<State>()) {
  state_->board = std::move(board);
  state_->rank = rank;
  state_->names = std::move(names);
  state_->doors = std::move(doors);
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

void Liveness::waits_in(std::int64_t operation) {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->waits_in = operation;
}

std::optional<std::string> Liveness::wait_for_all_doors(std::chrono::milliseconds longest) {
  if (const auto trouble = unreached(state_->rank, state_->names, state_->doors)) {
    report_failure(*trouble);
    return trouble;
  }
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->wants_all_doors = true;
  state_->changed.notify_all();
  const auto end = Clock::now() + longest;
  const auto all = static_cast<std::int64_t>(state_->names.size());
  while (!state_->known_trouble() && state_->have_tried < all && Clock::now() < end)
    state_->changed.wait_for(lock, std::chrono::milliseconds(20));
  state_->wants_all_doors = false;
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
  bool found_out = false, has_tried = false;
  Standstill standstill(state->names.size());
  Clock::time_point last_round = Clock::now();
  for (;;) {
    std::optional<std::string> report;
    std::int64_t waits_in = 0;
    bool wants_all_doors = false;
    {
      std::unique_lock<std::mutex> lock(state->mutex);
      const auto pause = state->wants_all_doors ? std::chrono::milliseconds(20) : state->options.beat_every;
      state->changed.wait_for(lock, pause, [&] {
        return state->stopping || (state->to_report && !state->reported) || (state->wants_all_doors && !has_tried);
      });
      if (state->stopping) break;
      if (!state->reported) report = state->to_report;
      waits_in = state->waits_in;
      wants_all_doors = state->wants_all_doors;
    }
    std::int64_t have_tried = 0;
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
      if (wants_all_doors) {
        have_tried = board.add(kTried, has_tried ? 0 : 1);
        has_tried = true;
      }
      if (const std::optional<std::string> cut = standstill.look(*state, waits_in)) {
        state->set_trouble(*cut);
        board.set(kFailed, *cut);
      }
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
    state->have_tried = std::max(state->have_tried, have_tried);
    state->last_answer = Clock::now();
    state->changed.notify_all();
  }
  const std::lock_guard<std::mutex> lock(state->mutex);
  state->stopped = true;
  state->changed.notify_all();
}

}  // namespace aface
