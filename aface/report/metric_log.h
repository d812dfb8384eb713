#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aface/report/event_file.h"

namespace aface {

// The numbers of a run, step by step, in two files of the run directory: "metrics.jsonl", one JSON object per
// line
//   {"step":120,"time":1700000000.5,"loss":7.31}        (numbers that are not finite become null)
// and "events.out.tfevents.*" for TensorBoard, a new file at each start. A number that cannot be written
// (full disk) is dropped with one warning per file: a long training does not end because its log has no room.
// One thread at a time.
class MetricLog {
 public:
  static constexpr std::int64_t kFreshRun = -1;

  // `resumed_step` is the last step of the checkpoint that the run goes on from: what an earlier process
  // logged beyond it is taken back, as the steps will be run again; so is a last line cut short by a crash.
  // kFreshRun empties the log. Makes the folder. Throws Error{kIo} when the files cannot be made,
  // Error{kFormat} when an older metrics.jsonl holds lines that are not ours.
  explicit MetricLog(const std::string& run_dir, std::int64_t resumed_step = kFreshRun);
  ~MetricLog();

  // Names must be unique within a call and other than "step" and "time". Several calls may share a step.
  void write(std::int64_t step, const NamedValues& values);

  // Lines written so far outlive a power cut.
  void sync();

 private:
  std::unique_ptr<AppendFile> lines_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace aface
