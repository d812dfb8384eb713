#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/stopwatch.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/face_input.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

using Answers = std::vector<std::vector<IdentityMatch>>;
using Json = nlohmann::ordered_json;

struct IdentifyFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::shared_ptr<FaceInputFlags> faces;
  std::shared_ptr<GallerySearchFlags> search;
  std::shared_ptr<ThresholdFlags> threshold;
  std::int64_t top = 1;
  std::string json;
};

// "match" or "unknown"; "-" without a threshold.
std::string verdict_of(const std::vector<IdentityMatch>& answer, std::optional<double> threshold) {
  if (!threshold) return "-";
  return !answer.empty() && answer.front().score >= *threshold ? "match" : "unknown";
}

void print_answers(const FaceInput& faces, const Answers& answers, std::optional<double> threshold) {
  fmt::print("photo\trank\tperson\tscore\tverdict\n");
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const std::string verdict = verdict_of(answers[i], threshold);
    if (answers[i].empty()) fmt::print("{}\t-\t-\t-\t{}\n", faces.names[i], verdict);
    for (std::size_t rank = 0; rank < answers[i].size(); ++rank) {
      const IdentityMatch& match = answers[i][rank];
      fmt::print("{}\t{}\t{}\t{:.4f}\t{}\n", faces.names[i], rank + 1, match.name, match.score,
                 rank == 0 ? verdict : "");
    }
  }
}

// What the verdicts are worth where the list says who is on the photos.
struct Tally {
  std::int64_t enrolled = 0, first = 0,
               found = 0;                  // photos of enrolled people; person ranks first; and is accepted
  std::int64_t strangers = 0, alarms = 0;  // photos of others; somebody is accepted
};

Tally tally(const FaceInput& faces, const Answers& answers, const std::set<std::string>& people,
            std::optional<double> threshold) {
  Tally tally;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const bool accepted = verdict_of(answers[i], threshold) == "match";
    if (people.count(faces.identities[i]) == 0) {
      ++tally.strangers;
      tally.alarms += accepted;
      continue;
    }
    const bool is_first = !answers[i].empty() && answers[i].front().name == faces.identities[i];
    ++tally.enrolled;
    tally.first += is_first;
    tally.found += is_first && accepted;
  }
  return tally;
}

Json share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? Json(nullptr) : Json(static_cast<double>(part) / static_cast<double>(whole));
}

std::string percent(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.2f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

void report_tally(const Tally& tally, std::optional<double> threshold, Json& json) {
  log_info("identify", "{} photos of enrolled people: rank-1 {}", tally.enrolled,
           percent(tally.first, tally.enrolled));
  json["photos_of_enrolled"] = tally.enrolled;
  json["photos_of_strangers"] = tally.strangers;
  json["rank1"] = share(tally.first, tally.enrolled);
  if (!threshold) return;
  log_info("identify", "threshold {:.4f}: found {}, {} photos of strangers: false alarms {}", *threshold,
           percent(tally.found, tally.enrolled), tally.strangers, percent(tally.alarms, tally.strangers));
  json["found"] = share(tally.found, tally.enrolled);
  json["false_alarms"] = share(tally.alarms, tally.strangers);
}

Json to_json(const FaceInput& faces, const Answers& answers, std::optional<double> threshold) {
  Json list = Json::array();
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Json people = Json::array();
    for (const IdentityMatch& match : answers[i]) {
      people.push_back({{"person", match.name}, {"score", match.score}, {"photo", match.photo}});
    }
    Json entry = {{"photo", faces.names[i]}, {"people", people}};
    if (threshold) entry["verdict"] = verdict_of(answers[i], threshold);
    list.push_back(std::move(entry));
  }
  return list;
}

std::set<std::string> people_of(const GalleryFlags& flags) {
  std::set<std::string> people;
  Gallery gallery = Gallery::open(flags.path, flags.options());
  for (GalleryIdentity& identity : gallery.identities()) people.insert(std::move(identity.name));
  return people;
}

int run_identify(const IdentifyFlags& flags) {
  const FaceInput faces = load_faces(*flags.faces, Identities::kIfGiven);
  const std::optional<double> threshold =
      chosen_threshold(*flags.threshold, faces.card ? &*faces.card : nullptr);
  Gallery::open(flags.gallery->path, flags.gallery->options()).require_model(faces.model);
  const auto index = load_gallery(*flags.gallery, *flags.search, flags.faces->threads);
  Stopwatch watch;
  const auto count = static_cast<std::size_t>(flags.top);
  const Answers answers = index->search(faces.view(), count);
  const double seconds = watch.lap();
  const bool is_approximate = index->is_approximate();
  log_info("identify", "{} photos in {:.3f} s, {}", faces.size(), seconds,
           is_approximate ? flags.search->index + " index" : "exact");
  Json json = {{"gallery", flags.gallery->path},
               {"model", faces.model.digest},
               {"method", is_approximate ? flags.search->index : "exact"},
               {"threshold", threshold ? Json(*threshold) : Json(nullptr)}};
  if (flags.search->recall) {
    const SearchRecall recall = recall_of(answers, index->search(faces.view(), count, SearchMethod::kExact));
    log_info("identify", "recall against the exact search: {:.2f} % of the first, {:.2f} % of the {} best",
             100 * recall.first, 100 * recall.all, count);
    json["recall"] = {{"first", recall.first}, {"all", recall.all}, {"top", count}};
  }
  if (!faces.identities.empty())
    report_tally(tally(faces, answers, people_of(*flags.gallery), threshold), threshold, json);
  print_answers(faces, answers, threshold);
  if (!flags.json.empty()) {
    json["answers"] = to_json(faces, answers, threshold);
    write_file_atomically(flags.json, json.dump(2) + "\n");
  }
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<IdentifyFlags>();
  flags->gallery = add_gallery_flags(app);
  flags->faces = add_face_input_flags(app);
  flags->threshold = add_threshold_flags(app);
  flags->search = add_gallery_search_flags(app);
  app.add_option("--top", flags->top, "people named for each photo")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  add_json_flag(app, flags->json, "write the answers to this file too");
  app.footer(
      "A person's score is the largest cosine between the photo and any of the person's enrolled photos. "
      "With a threshold the\n"
      "verdict is 'match' when the best person reaches it, else 'unknown'. Where the list names the people, "
      "the share that was\n"
      "found and the false alarms of strangers are told too.\n"
      "Example:  adaptiveface identify --gallery staff.gallery --model model.safetensors --images today "
      "--far 1e-3");
  return [flags] { return run_identify(*flags); };
}

}  // namespace

Command identify_command() {
  return {"identify", "Say who of a gallery is on each photo, if anybody", set_up};
}

}  // namespace aface
