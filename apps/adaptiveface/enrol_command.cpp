#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/stop_request.h"
#include "aface/core/stopwatch.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/face_input.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

constexpr std::size_t kAtOnce = 1000;  // photos a transaction

struct EnrolFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::shared_ptr<FaceInputFlags> faces;
  std::string json;
};

int run_enrol(const EnrolFlags& flags) {
  const FaceInput faces = load_faces(*flags.faces, Identities::kNeeded);
  Gallery gallery = Gallery::open_or_create(flags.gallery->path, faces.model, flags.gallery->options());
  EnrolReport report;
  Stopwatch watch;
  std::vector<Enrolment> batch;
  for (std::size_t first = 0; first < faces.size(); first += kAtOnce) {
    throw_if_stopped();
    batch.clear();
    for (std::size_t i = first; i < std::min(faces.size(), first + kAtOnce); ++i) {
      batch.push_back(
          {faces.identities[i], faces.names[i], faces.photos[i], {faces.row(i), faces.model.dim}});
    }
    const EnrolReport part = gallery.enrol(batch);
    report.added += part.added;
    report.known += part.known;
    report.new_identities += part.new_identities;
  }
  const double seconds = watch.lap();
  const GalleryCounts counts = gallery.counts();
  fmt::print("{}: {} photos enrolled, {} were known; {} new people; now {} people, {} photos\n",
             flags.gallery->path, report.added, report.known, report.new_identities, counts.identities,
             counts.photos);
  if (report.added > 0) log_info("enrol", "{:.0f} photos/s", static_cast<double>(faces.size()) / seconds);
  if (!flags.json.empty()) {
    const nlohmann::ordered_json json = {{"gallery", flags.gallery->path},
                                         {"model", faces.model.digest},
                                         {"added", report.added},
                                         {"known", report.known},
                                         {"new_people", report.new_identities},
                                         {"people", counts.identities},
                                         {"photos", counts.photos}};
    write_file_atomically(flags.json, json.dump(2) + "\n");
  }
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<EnrolFlags>();
  flags->gallery = add_gallery_flags(app);
  flags->faces = add_face_input_flags(app);
  add_json_flag(app, flags->json, "write the counts to this file too");
  app.footer(
      "Makes the gallery if it is not there, readable by its owner only. A photo that is enrolled already is "
      "passed over, so a\n"
      "command that was stopped can be given again; a photo of somebody else is refused. Photos go in by "
      "transactions of 1000:\n"
      "a kill at any moment leaves whole ones.\n"
      "Example:  adaptiveface enrol --gallery staff.gallery --model model.safetensors --images staff "
      "--person-is-folder");
  return [flags] { return run_enrol(*flags); };
}

}  // namespace

Command enrol_command() { return {"enrol", "Add people to a gallery by their photos", set_up}; }

}  // namespace aface
