#include "aface/synth/synthetic_faces.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/image/image_file.h"
#include "aface/synth/draw_photo.h"
#include "aface/synth/set_plan.h"

namespace aface {
namespace {

using synth::PlannedPhoto;

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::int64_t kPhotosPerChunk = 16;

struct JsonWriter {
  Json json;

  template <class T>
  void field(const char* name, const T& value, const FieldInfo&) {
    json[name] = value;
  }
};

Json options_as_json(const SynthOptions& options) {
  SynthOptions copy = options;  // describe() is for readers too
  JsonWriter writer;
  describe(writer, copy);
  return writer.json;
}

Json summary_of(const SynthOptions& options, SyntheticParts parts, const SyntheticFacesReport& report) {
  Json json;
  json["drawing_version"] = synth::kDrawingVersion;
  if (parts == SyntheticParts::kHeldOut) json["parts"] = "heldout";
  json["options"] = options_as_json(options);
  json["counts"] = {
      {"identities", report.identities},         {"images", report.images},
      {"largest_class", report.largest_class},   {"smallest_class", report.smallest_class},
      {"noisy_images", report.noisy_images},     {"heldout_identities", report.heldout_identities},
      {"heldout_images", report.heldout_images}, {"pairs", report.pairs}};
  return json;
}

SyntheticFacesReport count_set(const SynthOptions& options, SyntheticParts parts,
                               const std::vector<PlannedPhoto>& training) {
  SyntheticFacesReport report;
  if (parts == SyntheticParts::kAll) {
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(options.identities));
    for (const PlannedPhoto& photo : training) {
      ++sizes[static_cast<std::size_t>(photo.identity)];
      if (photo.is_noisy()) ++report.noisy_images;
    }
    report.identities = options.identities;
    report.images = options.images;
    report.largest_class = *std::max_element(sizes.begin(), sizes.end());
    report.smallest_class = *std::min_element(sizes.begin(), sizes.end());
  }
  report.heldout_identities = options.heldout_identities;
  if (options.heldout_identities > 0) {
    report.heldout_images = options.heldout_identities * options.heldout_images;
    report.pairs = options.pairs;
  }
  return report;
}

// In a folder that nobody reads yet there is no need to sync and rename each file.
void write_new_file(const std::string& path, const std::vector<unsigned char>& bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot create ({}); check the disk", path, std::strerror(errno)));
  }
  try {
    write_all(descriptor, bytes.data(), bytes.size(), path);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  if (::close(descriptor) != 0) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot write ({}); check the disk", path, std::strerror(errno)));
  }
}

void draw_photos(const SynthOptions& options, const std::vector<PlannedPhoto>& photos,
                 const std::string& folder, int threads) {
  std::set<std::string> labels;
  for (const PlannedPhoto& photo : photos) labels.insert(photo.label);
  for (const std::string& label : labels) make_folder(folder + "/" + label);
  std::atomic<std::int64_t> done{0};
  const auto count = static_cast<std::int64_t>(photos.size()),
             tenth = std::max<std::int64_t>(count / 10, 1000);
  parallel_for(count, kPhotosPerChunk, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      throw_if_stopped();
      const PlannedPhoto& photo = photos[static_cast<std::size_t>(i)];
      const Image image = synth::draw_photo(options, photo.identity, photo.photo);
      const int quality = synth::conditions_of(options, photo.identity, photo.photo).jpeg_quality;
      write_new_file(folder + "/" + photo.path, encode_jpeg(image, quality));
      const std::int64_t drawn = ++done;
      if (drawn % tenth == 0) log_info("synth", "{} of {} photos", drawn, count);
    }
  });
}

std::string list_text(const std::vector<PlannedPhoto>& photos) {
  std::string text;
  for (const PlannedPhoto& photo : photos) text += fmt::format("{}\t{}\n", photo.path, photo.label);
  return text;
}

std::string truth_text(const SynthOptions& options, const std::vector<PlannedPhoto>& photos) {
  std::string text =
      "path\tlabel\tidentity\tnoisy\tyaw_deg\tpitch_deg\troll_deg\tlight_azimuth_deg\tlight_elevation_"
      "deg\tsmile\t"
      "mouth_open_px\teyes_open\toccluder\tblur_px\tnoise\tresolution\tjpeg_quality\n";
  for (const PlannedPhoto& photo : photos) {
    const synth::PhotoConditions c = synth::conditions_of(options, photo.identity, photo.photo);
    text += fmt::format(
        "{}\t{}\t{}\t{}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.3f}\t{:.2f}\t{:.3f}\t{}\t{:.3f}\t{:.4f}"
        "\t{:.3f}\t{}\n",
        photo.path, photo.label, photo.truth, photo.is_noisy() ? 1 : 0, c.yaw_deg, c.pitch_deg, c.roll_deg,
        c.light_azimuth_deg, c.light_elevation_deg, c.expression.smile, c.expression.open,
        c.expression.eyes_open, synth::occluder_name(c.occluder), c.blur_px, c.noise, c.resolution,
        c.jpeg_quality);
  }
  return text;
}

// Removes itself unless renamed into place.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& final_path)
      : final_path_(final_path), path_(fmt::format("{}.tmp-{}", final_path, ::getpid())) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    make_folder(path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

  void move_into_place() {
    std::error_code code;
    fs::rename(path_, final_path_, code);  // fails on a folder that came to be filled meanwhile
    if (code) {
      throw Error(ErrorKind::kIo,
                  fmt::format("{}: cannot rename the finished set into place ({}); choose another folder",
                              final_path_, code.message()));
    }
    path_.clear();
  }

 private:
  std::string final_path_, path_;
};

// "hardness 0.5, asked for 0.4", or empty when the two sets have the same options.
std::string difference(const Json& there, const Json& asked) {
  std::string text;
  if (!there.contains("drawing_version") || there["drawing_version"] != synth::kDrawingVersion) {
    text = "drawn by another version of this program";
  }
  if (there.value("parts", "") != asked.value("parts", "")) {
    text += fmt::format("{}{}", text.empty() ? "" : "; ",
                        there.contains("parts") ? "no training photos" : "training photos too");
  }
  const Json options = there.contains("options") ? there["options"] : Json();
  for (const auto& [name, value] : asked["options"].items()) {
    const Json other = options.is_object() && options.contains(name) ? options[name] : Json();
    if (other == value) continue;
    text += fmt::format("{}{} {}, asked for {}", text.empty() ? "" : "; ", name, other.dump(), value.dump());
  }
  return text;
}

// True if the folder holds the very set asked for; throws if it holds anything else.
bool is_there_already(const std::string& out_dir, const Json& asked, ExistingFaces existing) {
  std::error_code ignored;
  if (!fs::exists(fs::symlink_status(out_dir, ignored))) return false;
  if (fs::is_directory(out_dir, ignored) && fs::is_empty(out_dir, ignored)) return false;
  const std::string summary = SyntheticFacesPaths(out_dir).summary;
  if (existing == ExistingFaces::kRefuse) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: exists already; choose another folder or remove this one", out_dir));
  }
  if (!file_exists(summary)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{}: exists but is no set of built-in faces (no synth.json); choose another folder",
                    out_dir));
  }
  const Json there = Json::parse(read_text_file(summary), nullptr, false);
  if (!there.is_object()) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: not a JSON object; remove the folder to draw it anew", summary));
  }
  const std::string other = difference(there, asked);
  if (!other.empty()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: holds other built-in faces ({}); choose another folder, or remove this one",
                            out_dir, other));
  }
  return true;
}

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

SyntheticFacesPaths::SyntheticFacesPaths(const std::string& out_dir)
    : train_images(out_dir + "/train/images"),
      train_list(out_dir + "/train/list.tsv"),
      heldout_images(out_dir + "/heldout/images"),
      heldout_pairs(out_dir + "/heldout/pairs.txt"),
      truth(out_dir + "/truth.tsv"),
      summary(out_dir + "/synth.json") {}

SyntheticFacesReport write_synthetic_faces(const SynthOptions& options, const std::string& out_dir,
                                           int threads, ExistingFaces existing, SyntheticParts parts) {
  check_synth_options(options);
  if (out_dir.empty()) throw Error(ErrorKind::kUsage, "synth: the output folder has no name; name one");
  const std::string target = without_trailing_slashes(out_dir);
  const bool with_training = parts == SyntheticParts::kAll;
  const auto training = with_training ? synth::plan_training_photos(options) : std::vector<PlannedPhoto>{};
  SyntheticFacesReport report = count_set(options, parts, training);
  const Json summary = summary_of(options, parts, report);
  report.reused = is_there_already(target, summary, existing);
  if (report.reused) return report;

  TemporaryFolder temporary(target);
  const SyntheticFacesPaths paths(temporary.path());
  if (with_training) {
    make_folder(paths.train_images);
    draw_photos(options, training, paths.train_images, threads);
    write_file_atomically(paths.train_list, list_text(training));
    write_file_atomically(paths.truth, truth_text(options, training));
  }
  if (options.heldout_identities > 0) {
    make_folder(paths.heldout_images);
    draw_photos(options, synth::plan_heldout_photos(options), paths.heldout_images, threads);
    write_file_atomically(paths.heldout_pairs, synth::plan_pairs(options));
  }
  write_file_atomically(paths.summary, summary.dump(2) + "\n");
  temporary.move_into_place();
  return report;
}

}  // namespace aface
