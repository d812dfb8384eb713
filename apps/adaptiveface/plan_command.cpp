#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "aface/core/file.h"
#include "aface/train/plan.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/config_flags.h"

namespace aface {
namespace {

struct PlanFlags {
  std::string json;
  std::int64_t threads = -1;
};

std::function<int()> set_up(CLI::App& app) {
  const std::shared_ptr<ConfigFlags> config = add_config_flags(app);
  const auto flags = std::make_shared<PlanFlags>();
  app.add_option("--threads", flags->threads, "compute threads; 0: all cores (train.threads)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--json", flags->json, "write the plan to this file as well");
  app.footer(
      "Says what a training would take, without training: counts, epochs, memory, images/s and hours. A few "
      "steps are\n"
      "taken on real batches to find out, and forgotten. Warnings do not change the exit code.\n"
      "Example:  adaptiveface plan --config recipe.toml");
  return [config, flags] {
    ConfigFlags resolved = *config;
    if (flags->threads >= 0) resolved.overrides.push_back(fmt::format("train.threads={}", flags->threads));
    const RunPlan plan = plan_run(resolved.load(), std::filesystem::temp_directory_path().string());
    if (!flags->json.empty()) write_file_atomically(flags->json, plan_json(plan));
    fmt::print("{}", plan_text(plan));
    return 0;
  };
}

}  // namespace

Command plan_command() { return {"plan", "Say what a training would take, without training", set_up}; }

}  // namespace aface
