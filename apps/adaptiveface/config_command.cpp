#include <fmt/core.h>

#include "aface/config/config_writer.h"
#include "aface/config/validate.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/config_flags.h"

namespace aface {
namespace {

struct ConfigCommandFlags {
  std::shared_ptr<ConfigFlags> config;
  bool reference = false;
  bool check = false;
};

int run_config_command(const ConfigCommandFlags& flags) {
  if (flags.reference) {
    fmt::print("{}", options_reference());
    return 0;
  }
  const RunConfig config = flags.config->load();
  if (flags.check) validate(config);
  fmt::print("{}", to_toml(config, TomlStyle::kDocumented));
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<ConfigCommandFlags>();
  flags->config = add_config_flags(app);
  app.add_flag("--check", flags->check,
               "refuse options that do not go together, as train does before it starts");
  app.add_flag("--reference", flags->reference, "print a Markdown page of all options instead");
  app.footer(
      "Prints TOML on stdout: all options, as the files and settings leave them, each with its meaning.\n"
      "Example:  adaptiveface config --config recipe.toml --set train.steps=5000 > resolved.toml");
  return [flags] { return run_config_command(*flags); };
}

}  // namespace

Command config_command() {
  return {"config", "Print the options of a run, with defaults and explanations", set_up};
}

}  // namespace aface
