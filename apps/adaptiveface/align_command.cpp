#include <fmt/core.h>

#include <memory>

#include "aface/data/chip_writer.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

std::function<int()> setup(CLI::App& app) {
  const auto options = std::make_shared<AlignOptions>();
  app.add_option("--images,IMAGES", options->images, "Folder of the photos")->required();
  app.add_option("--landmarks,LANDMARKS", options->landmarks,
                 "List of lines path<TAB>x1<TAB>y1 ... x5<TAB>y5, paths relative to IMAGES: left eye, right "
                 "eye, nose, "
                 "left and right corner of the mouth as seen in the photo, in pixels")
      ->required();
  app.add_option("--out,OUT", options->out, "Folder of the chips, which keep the paths of the photos")
      ->required();
  app.add_option("--size", options->size_px, "Side of the square chips in pixels")
      ->capture_default_str()
      ->check(CLI::Range(16, 1024));
  app.add_option("--format", options->format, "How chips are stored; png is lossless")
      ->capture_default_str()
      ->check(CLI::IsMember({"jpg", "png"}));
  app.add_option("--quality", options->quality, "JPEG quality")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option(
         "--on-bad-image", options->on_bad_image,
         "Photo that is missing or unreadable, or whose landmarks are unusable: leave it out, warn and count "
         "it, or stop")
      ->capture_default_str()
      ->check(CLI::IsMember({"skip", "fail"}));
  app.add_option("--threads", options->threads, "Photos worked on at a time; 0: one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, 256));
  app.footer(
      "Cuts out one aligned face chip per listed photo: the turn, scale and shift that takes the five points "
      "closest to "
      "the ArcFace template, bilinear, black outside the photo. Prints how many chips were written and how "
      "fast.");
  return [options] {
    const AlignReport report = align_photos(*options);
    fmt::print("written {}  left out {}  seconds {:.1f}  photos/s {:.0f}\n", report.written, report.bad,
               report.seconds, static_cast<double>(report.written + report.bad) / report.seconds);
    return 0;
  };
}

}  // namespace

Command align_command() {
  return {"align", "Cut aligned face chips out of photos by their landmarks", setup};
}

}  // namespace aface
