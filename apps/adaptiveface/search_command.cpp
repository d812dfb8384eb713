#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

struct SearchFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::shared_ptr<GallerySearchFlags> search;
  std::string person;
  std::int64_t top = 10;
  int threads = 0;
  std::string json;
};

// Of several photos the best score counts, as everywhere.
std::vector<IdentityMatch> merge(const std::vector<std::vector<IdentityMatch>>& answers,
                                 const std::string& self, std::size_t count) {
  std::vector<IdentityMatch> merged;
  for (const auto& answer : answers) {
    for (const IdentityMatch& match : answer) {
      if (match.name != self) merged.push_back(match);
    }
  }
  std::sort(merged.begin(), merged.end(), [](const IdentityMatch& a, const IdentityMatch& b) {
    return a.score != b.score ? a.score > b.score : a.photo < b.photo;
  });
  std::vector<IdentityMatch> people;
  for (const IdentityMatch& match : merged) {
    const auto is_same = [&](const IdentityMatch& other) { return other.identity == match.identity; };
    if (people.size() < count && std::none_of(people.begin(), people.end(), is_same)) people.push_back(match);
  }
  return people;
}

int run_search(const SearchFlags& flags) {
  const auto index = load_gallery(*flags.gallery, *flags.search, flags.threads);
  const std::vector<float> photos = index->rows_of(flags.person);
  if (photos.empty()) {
    throw Error(ErrorKind::kData, fmt::format("{}: nobody is enrolled as '{}'; see adaptiveface list",
                                              flags.gallery->path, one_line(flags.person)));
  }
  const std::size_t dim = index->model().dim, count = static_cast<std::size_t>(flags.top);
  const RowMatrix probes{photos.data(), photos.size() / dim, dim};
  // One more, as the person is found too.
  const auto exact = [&] {
    return merge(index->search(probes, count + 1, SearchMethod::kExact), flags.person, count);
  };
  const std::vector<IdentityMatch> people =
      flags.search->exact ? exact() : merge(index->search(probes, count + 1), flags.person, count);
  nlohmann::ordered_json json = {{"person", flags.person}, {"photos", probes.rows}};
  if (flags.search->recall) {
    const SearchRecall recall = recall_of({people}, {exact()});
    fmt::print(stderr, "recall against the exact search: {:.2f} %\n", 100 * recall.all);
    json["recall"] = recall.all;
  }
  auto list = nlohmann::ordered_json::array();
  fmt::print("rank\tperson\tscore\n");
  for (std::size_t i = 0; i < people.size(); ++i) {
    fmt::print("{}\t{}\t{:.4f}\n", i + 1, people[i].name, people[i].score);
    list.push_back({{"person", people[i].name}, {"score", people[i].score}});
  }
  json["people"] = list;
  if (!flags.json.empty()) write_file_atomically(flags.json, json.dump(2) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<SearchFlags>();
  flags->gallery = add_gallery_flags(app);
  app.add_option("--person", flags->person, "an enrolled person")->required();
  flags->search = add_gallery_search_flags(app);
  app.add_option("--top", flags->top, "how many people are named")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--threads", flags->threads, "0: one per core")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  add_json_flag(app, flags->json, "write the answer to this file too");
  app.footer(
      "Names the others in the gallery who look most like the person: somebody enrolled twice under two "
      "names shows up with a\n"
      "score above the threshold of your model. The score is the largest cosine between any photo of one and "
      "any of the other.\n"
      "Example:  adaptiveface search --gallery staff.gallery --person Ada");
  return [flags] { return run_search(*flags); };
}

}  // namespace

Command search_command() {
  return {"search", "Find who in a gallery looks most like one of its people", set_up};
}

}  // namespace aface
