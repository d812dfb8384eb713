#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/one_line.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/face_input.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

struct VerifyFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::shared_ptr<FaceInputFlags> faces;
  std::shared_ptr<ThresholdFlags> threshold;
  std::string person;
  std::string json;
};

int run_verify(const VerifyFlags& flags) {
  FaceInput faces =
      load_faces(*flags.faces, flags.person.empty() ? Identities::kNeeded : Identities::kIfGiven);
  const std::optional<double> threshold =
      chosen_threshold(*flags.threshold, faces.card ? &*faces.card : nullptr);
  if (!flags.person.empty()) faces.identities.assign(faces.size(), flags.person);
  Gallery::open(flags.gallery->path, flags.gallery->options()).require_model(faces.model);
  GallerySearchFlags one_by_one;  // nobody is searched for
  one_by_one.exact = true;
  const auto index = load_gallery(*flags.gallery, one_by_one, flags.faces->threads);
  auto json = nlohmann::ordered_json::array();
  std::string table = "photo\tperson\tscore\tverdict\n";
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const std::optional<IdentityMatch> match = index->score(faces.identities[i], faces.row(i));
    if (!match) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: nobody is enrolled as '{}' (of {}); see adaptiveface list",
                              flags.gallery->path, one_line(faces.identities[i]), faces.names[i]));
    }
    const std::string verdict = !threshold ? "-" : match->score >= *threshold ? "same" : "different";
    table += fmt::format("{}\t{}\t{:.4f}\t{}\n", faces.names[i], match->name, match->score, verdict);
    json.push_back({{"photo", faces.names[i]},
                    {"person", match->name},
                    {"score", match->score},
                    {"best_photo", match->photo}});
    if (threshold) json.back()["verdict"] = verdict;
  }
  fmt::print("{}", table);
  if (!flags.json.empty()) write_file_atomically(flags.json, json.dump(2) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<VerifyFlags>();
  flags->gallery = add_gallery_flags(app);
  flags->faces = add_face_input_flags(app);
  flags->threshold = add_threshold_flags(app);
  app.add_option("--person", flags->person,
                 "who all the photos are claimed to show; without it the list names a person each");
  add_json_flag(app, flags->json, "write the answers to this file too");
  app.footer(
      "The score is the largest cosine between the photo and any of the person's enrolled photos; from the "
      "threshold on the\n"
      "verdict is 'same', else 'different'.\n"
      "Example:  adaptiveface verify --gallery staff.gallery --person Ada --model model.safetensors --far "
      "1e-3 door.jpg");
  return [flags] { return run_verify(*flags); };
}

}  // namespace

Command verify_command() {
  return {"verify", "Say whether each photo shows the person it is claimed to", set_up};
}

}  // namespace aface
