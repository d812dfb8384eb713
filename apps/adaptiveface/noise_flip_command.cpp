#include <fmt/core.h>

#include <map>
#include <memory>
#include <string>

#include "aface/core/file.h"
#include "aface/data/flip_labels.h"
#include "aface/io/identity_list.h"
#include "apps/adaptiveface/noise_commands.h"

namespace aface {
namespace {

struct FlipFlags {
  std::string list;
  std::string out;
  std::string truth;
  double share = 0.1;
  std::uint64_t seed = 1;
};

int flip(const FlipFlags& flags) {
  const std::vector<IdentityRow> rows = read_identity_list(flags.list);
  std::map<std::string, std::int64_t>
      number_of;  // by name, so that the order of the list does not matter for labels
  for (const IdentityRow& row : rows) number_of.emplace(row.identity, 0);
  std::vector<std::string> names;
  for (auto& [name, number] : number_of) {
    number = static_cast<std::int64_t>(names.size());
    names.push_back(name);
  }
  std::vector<std::int64_t> identities;
  for (const IdentityRow& row : rows) identities.push_back(number_of.at(row.identity));
  const std::vector<std::int64_t> labels =
      flip_labels(identities, static_cast<std::int64_t>(names.size()), flags.share, flags.seed);

  std::string list, truth = "path\tlabel\tidentity\tnoisy\n";
  std::int64_t flipped = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& label = names[static_cast<std::size_t>(labels[i])];
    const bool is_noisy = labels[i] != identities[i];
    flipped += is_noisy ? 1 : 0;
    list += fmt::format("{}\t{}\n", rows[i].path, label);
    truth += fmt::format("{}\t{}\t{}\t{}\n", rows[i].path, label, rows[i].identity, is_noisy ? 1 : 0);
  }
  write_file_atomically(flags.out, list);
  write_file_atomically(flags.truth, truth);
  fmt::print("{}: {} photos of {} identities, {} with another's label; truth: {}\n", flags.out, rows.size(),
             names.size(), flipped, flags.truth);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<FlipFlags>();
  app.add_option("LIST", flags->list, "List of lines path<TAB>identity")->required();
  app.add_option("--share", flags->share, "Share of the photos that get the label of another identity")
      ->capture_default_str();
  app.add_option("--seed", flags->seed, "Decides which photos and which labels")->capture_default_str();
  app.add_option("--out", flags->out, "The list with flipped labels, in the same order")->required();
  app.add_option("--truth", flags->truth, "Which were flipped: path, label, identity, noisy (0 or 1)")
      ->required();
  app.footer(
      "One photo of each identity keeps its label. No photo is touched or copied: train on the new list with "
      "the\n"
      "same data.root.");
  return [flags] { return flip(*flags); };
}

}  // namespace

Command noise_flip_command() { return {"flip", "Plant wrong labels in a list, with a seed", set_up}; }

}  // namespace aface
