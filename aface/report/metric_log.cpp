#include "aface/report/metric_log.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

constexpr char kEventPrefix[] = "events.out.tfevents.";

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// TensorBoard reads the event files of a folder in the order of their names: time first, then a running
// number for starts within one second.
std::string next_event_path(const std::string& run_dir, double now) {
  int earlier = 0;
  for (const auto& entry : std::filesystem::directory_iterator(run_dir)) {
    earlier += entry.path().filename().string().rfind(kEventPrefix, 0) == 0;
  }
  return fmt::format("{}/{}{:010}.{:04}.adaptiveface", run_dir, kEventPrefix, static_cast<std::int64_t>(now),
                     earlier);
}

std::int64_t step_of(const std::string& line, const std::string& path, int number) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  const bool is_ours = json.is_object() && json.contains("step") && json["step"].is_number_integer();
  if (!is_ours) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}:{}: not a line of metrics (expected a JSON object with a whole "
                            "number \"step\"); move the file away and resume again",
                            path, number));
  }
  return json["step"].get<std::int64_t>();
}

// Keeps the whole lines up to `last_step`.
void drop_lines_after(const std::string& path, std::int64_t last_step) {
  if (!file_exists(path)) return;
  const std::string text = read_text_file(path);
  std::string kept;
  int number = 0;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string line = text.substr(begin, end - begin);
    if (step_of(line, path, ++number) <= last_step) kept += line + "\n";
  }
  if (kept != text) write_file_atomically(path, kept);
}

}  // namespace

MetricLog::MetricLog(const std::string& run_dir, std::int64_t resumed_step) {
  make_folder(run_dir);
  const std::string path = run_dir + "/metrics.jsonl";
  const bool is_fresh = resumed_step == kFreshRun;
  if (!is_fresh) drop_lines_after(path, resumed_step);
  lines_ =
      std::make_unique<AppendFile>(path, is_fresh ? AppendFile::Start::kEmpty : AppendFile::Start::kAtEnd);
  const double now = seconds_since_1970();
  events_ = std::make_unique<EventFile>(next_event_path(run_dir, now), is_fresh ? 0 : resumed_step + 1, now);
}

MetricLog::~MetricLog() = default;

void MetricLog::sync() { lines_->sync(); }

void MetricLog::write(std::int64_t step, const NamedValues& values) {
  const double now = seconds_since_1970();
  nlohmann::ordered_json line;
  line["step"] = step;
  line["time"] = now;
  for (const auto& [name, value] : values) {
    AFACE_CHECK(!line.contains(name), "metric '{}' is given twice in step {}", name, step);
    line[name] = value;
  }
  lines_->append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  events_->write(step, values, now);
}

}  // namespace aface
