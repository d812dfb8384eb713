#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/io/identity_list.h"
#include "aface/io/text_list.h"
#include "aface/report/html.h"
#include "aface/report/number_text.h"
#include "aface/report/sections.h"

namespace aface {
namespace {

constexpr std::size_t kCompanions = 3;  // other photos of the identity beside a suspect
constexpr int kCompanionPx = 56;

template <class T>
std::size_t shown_count(const std::vector<T>& items, const PictureOptions& options) {
  return std::min(items.size(), static_cast<std::size_t>(options.pictures));
}

std::vector<std::string> folders_for(const PictureOptions& options, const std::string& recorded) {
  std::vector<std::string> folders = options.folders;
  if (!recorded.empty()) folders.push_back(recorded);
  return folders;
}

// Photos of some identities that are not suspects themselves, by identity. Empty when the data are not at
// hand.
std::map<std::string, std::vector<std::string>> sound_photos(const RunRecord& run,
                                                             const std::set<std::string>& identities) {
  std::set<std::string> suspects;
  for (const NoiseSuspectRecord& suspect : run.suspects) suspects.insert(suspect.path);
  std::map<std::string, std::vector<std::string>> photos;
  const auto add = [&](const std::string& identity, const std::string& path) {
    if (suspects.count(path) == 0) photos[identity].push_back(path);
  };
  try {
    if (!run.images_list().empty()) {
      for (const IdentityRow& row : read_identity_list(run.images_list())) {
        if (identities.count(row.identity) > 0) add(row.identity, row.path);
      }
    } else {
      for (const std::string& identity : identities) {
        const std::string folder = run.images_folder() + "/" + identity;
        if (!folder_exists(folder)) continue;
        for (const std::string& name : list_images(folder)) add(identity, identity + "/" + name);
      }
    }
  } catch (const Error&) {  // the list or a folder has gone since the training: suspects are shown alone
    photos.clear();
  }
  return photos;
}

// From the beginning, the middle and the end, as neighbours are often of one occasion.
std::vector<std::string> spread_out(const std::vector<std::string>& photos) {
  if (photos.size() <= kCompanions) return photos;
  std::vector<std::string> some;
  for (std::size_t i = 0; i < kCompanions; ++i)
    some.push_back(photos[i * (photos.size() - 1) / (kCompanions - 1)]);
  return some;
}

std::string facts_of(const NoiseSuspectRecord& suspect) {
  std::string text;
  for (const auto& [name, value] : suspect.facts) {
    text += fmt::format("<li>{} <b>{}</b></li>", escape_html(readable_name(name)), escape_html(value));
  }
  return text.empty() ? "" : "<ul class=\"facts\">" + text + "</ul>";
}

std::string suspect_cards(const RunRecord& run, const PictureOptions& options, Thumbnails& thumbnails) {
  const std::size_t count = shown_count(run.suspects, options);
  std::vector<std::string> names;
  std::set<std::string> identities;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(run.suspects[i].path);
    identities.insert(run.suspects[i].identity);
  }
  const std::vector<std::string> folders = folders_for(options, run.images_folder());
  const std::int64_t shown_before = thumbnails.shown();
  const std::vector<std::string> pictures = thumbnails.show(names, folders);
  std::map<std::string, std::vector<std::string>> sound;
  if (thumbnails.shown() > shown_before) sound = sound_photos(run, identities);

  std::string cards;
  for (std::size_t i = 0; i < count; ++i) {
    const NoiseSuspectRecord& suspect = run.suspects[i];
    std::string companions;
    for (const std::string& picture :
         thumbnails.show(spread_out(sound[suspect.identity]), folders, kCompanionPx)) {
      companions += picture;
    }
    if (!companions.empty())
      companions =
          "<span class=\"companions\" title=\"other photos of the identity\">" + companions + "</span>";
    cards += fmt::format(
        "<li class=\"card\"><div class=\"pictures\">{}{}</div><b>{}</b><span "
        "class=\"path\">{}</span>{}</li>\n",
        pictures[i], companions, breakable_html(suspect.identity), breakable_html(suspect.path),
        facts_of(suspect));
  }
  return "<ul class=\"cards\">" + cards + "</ul>";
}

std::string pair_cards(const std::vector<PairRecord>& pairs, const std::string& recorded,
                       const PictureOptions& options, Thumbnails& thumbnails) {
  const std::size_t count = shown_count(pairs, options);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    names.push_back(pairs[i].a);
    names.push_back(pairs[i].b);
  }
  const std::vector<std::string> pictures = thumbnails.show(names, folders_for(options, recorded));
  std::string cards;
  for (std::size_t i = 0; i < count; ++i) {
    cards += fmt::format(
        "<li class=\"card\"><div class=\"pictures\">{}{}</div><b>{}</b>"
        "<span class=\"path\">{}</span><span class=\"path\">{}</span></li>\n",
        pictures[2 * i], pictures[2 * i + 1], data_html(pairs[i].score, score_text(pairs[i].score)),
        breakable_html(pairs[i].a), breakable_html(pairs[i].b));
  }
  return "<ul class=\"cards\">" + cards + "</ul>";
}

}  // namespace

std::string suspects_section(const std::vector<ReportInput>& inputs, const PictureOptions& options,
                             Thumbnails& thumbnails) {
  std::string body;
  for (const ReportInput& input : inputs) {
    if (!input.run || input.run->suspects.empty() || options.pictures == 0) continue;
    body += fmt::format("<h3>{}: the worst {} of {}</h3>", escape_html(input.label),
                        shown_count(input.run->suspects, options), input.run->suspects.size());
    body += suspect_cards(*input.run, options, thumbnails);
  }
  return section(
      "suspects", "Noise suspects",
      "<p>Photos that stayed far from the prototype of their label. The small pictures are other photos with "
      "the same label.</p>",
      body);
}

std::string worst_pairs_section(const std::vector<ReportInput>& inputs, const PictureOptions& options,
                                Thumbnails& thumbnails) {
  std::string body;
  for (const ReportInput& input : inputs) {
    if (!input.evaluation || options.pictures == 0) continue;
    const EvaluationRecord& evaluation = *input.evaluation;
    const auto add = [&](const std::string& kind, const std::vector<PairRecord>& pairs) {
      if (pairs.empty()) return;
      body += fmt::format("<h3>{}: {}</h3>", escape_html(input.label), kind);
      body += pair_cards(pairs, evaluation.text("images"), options, thumbnails);
    };
    add("genuine pairs with the lowest scores", evaluation.worst_genuine);
    add("impostor pairs with the highest scores", evaluation.worst_impostor);
  }
  return section("worst", "Worst pairs", "", body);
}

}  // namespace aface
