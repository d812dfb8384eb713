#include <fmt/core.h>

#include <memory>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/detect/align_photos.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/detect_flags.h"

namespace aface {
namespace {

struct AlignFlags {
  AlignOptions options;
  std::shared_ptr<DetectFlags> detect;
  std::vector<std::string> places;  // what stands without a flag
};

// PHOTOS [LANDMARKS] OUT, without those that were given by flags.
void take_places(AlignFlags& flags) {
  AlignOptions& options = flags.options;
  struct Wanted {
    std::string* value;
    const char* name;
  };
  std::vector<Wanted> wanted = {{&options.images, "--images"}};
  if (flags.detect->detector.empty()) wanted.push_back({&options.landmarks, "--landmarks"});
  wanted.push_back({&options.out, "--out"});
  auto next = flags.places.begin();
  for (const Wanted& want : wanted) {
    if (want.value->empty() && next != flags.places.end()) *want.value = *next++;
    if (want.value->empty()) {
      throw Error(
          ErrorKind::kUsage,
          fmt::format("align: {} is required{}; give PHOTOS LANDMARKS OUT, or --detector yunet.onnx PHOTOS "
                      "OUT",
                      want.name, want.value == &options.landmarks ? " without --detector" : ""));
    }
  }
  if (next != flags.places.end()) {
    throw Error(ErrorKind::kUsage, fmt::format("align: '{}' is one place too many; give PHOTOS {}OUT", *next,
                                               flags.detect->detector.empty() ? "LANDMARKS " : ""));
  }
}

int run_align(AlignFlags& flags) {
  take_places(flags);
  AlignOptions& options = flags.options;
  options.detector = flags.detect->detector;
  options.detect = flags.detect->options;
  options.many = flags.detect->many;
  options.none = flags.detect->none;
  const AlignReport report = align_photos(options);
  fmt::print("written {}  left out {}  seconds {:.1f}  photos/s {:.0f}\n", report.written, report.left_out,
             report.seconds, static_cast<double>(report.photos) / report.seconds);
  return 0;
}

std::function<int()> setup(CLI::App& app) {
  const auto flags = std::make_shared<AlignFlags>();
  AlignOptions& options = flags->options;
  app.add_option("PLACES", flags->places,
                 "PHOTOS OUT with --detector, PHOTOS LANDMARKS OUT without; the flags below name them too")
      ->expected(0, 3);
  app.add_option(
      "--images", options.images,
      "PHOTOS: a folder, at any depth; with --detector also a .rec, a .tar, a folder of these, or one photo");
  app.add_option(
      "--landmarks", options.landmarks,
      "LANDMARKS: list of lines path<TAB>x1<TAB>y1 ... x5<TAB>y5, paths relative to PHOTOS: left eye, "
      "right eye, nose, left and right corner of the mouth as seen in the photo, in pixels");
  app.add_option("--out", options.out, "OUT: folder of the chips, which keep the paths of the photos");
  flags->detect = add_detect_flags(app);
  app.add_option(
      "--list", options.list,
      "with --detector: file with one path a line, relative to PHOTOS (text after a tab is ignored), in "
      "place of all that is there");
  app.add_option("--size", options.size_px, "Side of the square chips in pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));
  app.add_option("--format", options.format, "How chips are stored; png is lossless")
      ->capture_default_str()
      ->check(CLI::IsMember({"jpg", "png"}));
  app.add_option("--quality", options.quality, "JPEG quality")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option(
         "--on-bad-image", options.on_bad_image,
         "Photo that is missing or unreadable, or whose given landmarks are unusable: leave it out, warn and "
         "list it, or stop")
      ->capture_default_str()
      ->check(CLI::IsMember({"skip", "fail"}));
  app.add_option("--threads", options.threads, "Photos worked on at a time; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 256));
  app.footer(
      "Cuts aligned face chips out of photos: the turn, scale and shift that takes a face's five points "
      "closest to "
      "the ArcFace template, bilinear, black outside the photo. Beside the chips, chips.tsv says where each "
      "comes "
      "from, left_out.tsv which photos gave none and why.\n"
      "Examples:\n"
      "  adaptiveface align --detector face_detection_yunet_2023mar.onnx photos chips\n"
      "  adaptiveface align photos landmarks.txt chips");
  return [flags] { return run_align(*flags); };
}

}  // namespace

Command align_command() {
  return {"align", "Cut aligned face chips out of photos, by a face detector or given landmarks", setup};
}

}  // namespace aface
