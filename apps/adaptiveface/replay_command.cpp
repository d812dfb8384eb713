#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "aface/train/replay.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

struct ReplayFlags {
  std::string folder;
  std::vector<std::string> overrides;
  std::int64_t threads = -1;
};

constexpr int kNotReproduced = 1;

int report(const Replay& replay) {
  fmt::print("recorded: step {}: {}\n", replay.recorded.step, replay.recorded.first_bad_tensor);
  if (!replay.trouble) {
    fmt::print("now:      all finite: loss {:.4f}, gradient norm {:.4g}, learning rate {:g}\n", replay.result.loss,
               replay.result.gradient_norm, replay.result.learning_rate);
    return kNotReproduced;
  }
  fmt::print("now:      {}\n", *replay.trouble);
  return replay.same_tensor ? 0 : kNotReproduced;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<ReplayFlags>();
  app.add_option("FOLDER", flags->folder, "bad_step of a run directory")->required();
  app.add_option("--set", flags->overrides, "one option other than the run's, as in --set train.bf16=false; may be given several times")
      ->type_name("TABLE.KEY=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--threads", flags->threads, "compute threads; 0: all cores (train.threads)")
      ->check(CLI::NonNegativeNumber);
  app.footer(
      "Does again the step that a training gave up because a number was not finite, and says which tensor was the first.\n"
      "Exits with 0 when it is the recorded one, with 1 when it is another or when all is finite.\n"
      "Example:  adaptiveface replay runs/first/bad_step --set train.bf16=false");
  return [flags] {
    std::vector<std::string> overrides = flags->overrides;
    if (flags->threads >= 0) overrides.push_back(fmt::format("train.threads={}", flags->threads));
    return report(replay_bad_step(flags->folder, overrides));
  };
}

}  // namespace

Command replay_command() { return {"replay", "do again the step at which a training diverged", set_up}; }

}  // namespace aface
