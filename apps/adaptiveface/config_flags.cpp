#include "apps/adaptiveface/config_flags.h"

#include "aface/config/config_reader.h"

namespace aface {

RunConfig ConfigFlags::load() const { return load_config(files, overrides); }

std::shared_ptr<ConfigFlags> add_config_flags(CLI::App& app) {
  auto flags = std::make_shared<ConfigFlags>();
  app.add_option("--config", flags->files,
                 "TOML file of options; may be given several times, later files win. docs/config.md lists "
                 "all options")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  app.add_option("--set", flags->overrides,
                 "one option, as in --set head.margin_init=0.3; may be given several times, wins over files")
      ->type_name("TABLE.KEY=VALUE")
      ->expected(1)
      ->take_all();
  return flags;
}

}  // namespace aface
