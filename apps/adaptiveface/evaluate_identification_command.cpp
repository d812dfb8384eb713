#include <fmt/core.h>

#include <map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/identification.h"
#include "aface/io/identity_list.h"
#include "apps/adaptiveface/embedding_input.h"
#include "apps/adaptiveface/evaluate_protocols.h"
#include "apps/adaptiveface/evaluation_flags.h"

namespace aface {
namespace {

struct IdentificationFlags {
  std::shared_ptr<EmbeddingFlags> input;
  std::string gallery;
  std::string probes;
  std::string json;
  IdentificationOptions options;
};

// Both lists with people numbered by name.
struct Lists {
  std::vector<std::string> paths;        // gallery, then probes
  std::vector<std::int32_t> identities;  // of each
  std::vector<std::string> identity_names;
  std::size_t gallery = 0;
};

Lists read_lists(const IdentificationFlags& flags) {
  Lists lists;
  std::map<std::string, std::int32_t> numbers;
  std::map<std::string, std::string> seen;  // path -> where
  std::vector<std::string> names;
  for (const std::string& file : {flags.gallery, flags.probes}) {
    for (IdentityRow& row : read_identity_list(file)) {
      const std::string place = fmt::format("{}:{}", file, row.line);
      const auto [entry, is_new] = seen.emplace(row.path, place);
      if (!is_new) {
        throw Error(ErrorKind::kData,
                    fmt::format("{}: '{}' is listed already ({}); an image is gallery or probe, once", place,
                                row.path, entry->second));
      }
      numbers.emplace(row.identity, 0);
      lists.paths.push_back(std::move(row.path));
      names.push_back(std::move(row.identity));
    }
    if (lists.gallery == 0) lists.gallery = lists.paths.size();
  }
  for (auto& [name, number] : numbers) {
    number = static_cast<std::int32_t>(lists.identity_names.size());
    lists.identity_names.push_back(name);
  }
  for (const std::string& name : names) lists.identities.push_back(numbers.at(name));
  return lists;
}

NamedRows part(const Lists& lists, const UnitEmbeddings& embeddings, std::size_t begin, std::size_t end) {
  NamedRows rows;
  const RowMatrix all = embeddings.view();
  rows.rows.rows = {all.row(begin), end - begin, all.dim};
  if (!embeddings.no_match.empty()) rows.rows.no_match = {embeddings.no_match.data() + begin, end - begin};
  rows.identities = {lists.identities.data() + begin, end - begin};
  rows.paths.assign(lists.paths.begin() + static_cast<std::ptrdiff_t>(begin),
                    lists.paths.begin() + static_cast<std::ptrdiff_t>(end));
  return rows;
}

int run_identification(const IdentificationFlags& flags) {
  const Lists lists = read_lists(flags);
  const UnitEmbeddings embeddings = load_embeddings(*flags.input, "evaluate identification", lists.paths);
  IdentificationOptions options = flags.options;
  options.threads = options.bootstrap.threads = flags.input->embed->threads;
  const IdentificationReport report =
      evaluate_identification(part(lists, embeddings, lists.gallery, lists.paths.size()),
                              part(lists, embeddings, 0, lists.gallery), lists.identity_names, options);
  fmt::print("{}", to_table(report));
  if (flags.json.empty()) return 0;
  auto source = describe_source(*flags.input, embeddings);
  source.emplace_back("gallery", flags.gallery);
  source.emplace_back("probes", flags.probes);
  write_file_atomically(flags.json, to_json(report, source) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<IdentificationFlags>();
  app.add_option("--gallery", flags->gallery, "enrolled images: lines 'path<TAB>person'")->required();
  app.add_option("--probes", flags->probes,
                 "images to be searched: lines 'path<TAB>person'; people who are not in the gallery make the "
                 "open set")
      ->required();
  flags->input = add_embedding_flags(app);
  app.add_option("--ranks", flags->options.ranks, "length of the CMC")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_targets_flag(app, "--fpir", flags->options.fpir, "targets of the detection and identification rate");
  add_bootstrap_flags(app, flags->options.bootstrap);
  add_json_flag(app, flags->json, "write the numbers and curves to this file too");
  app.footer(
      "Closed set: the share of probes of enrolled people whose own person ranks r or better (CMC). A person "
      "with several\n"
      "gallery images counts once, by the best of them; a tie with another person counts against the mate. "
      "Open set:\n"
      "FPIR is the share of probes of other people that raise an alarm, DIR the share of probes of enrolled "
      "people that\n"
      "are found at rank 1 with a score at or above the threshold of that FPIR.\n"
      "Example:\n"
      "  adaptiveface evaluate identification --gallery gallery.tsv --probes probes.tsv --embeddings "
      "faces.npy --list\n"
      "    faces.txt --json identification.json");
  return [flags] { return run_identification(*flags); };
}

}  // namespace

Command evaluate_identification_command() {
  return {"identification", "CMC and open-set DIR at FPIR for a gallery and probes of one's own", set_up};
}

}  // namespace aface
