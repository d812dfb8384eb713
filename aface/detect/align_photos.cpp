#include "aface/detect/align_photos.h"

#include <fmt/core.h>

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/file_writer.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/result.h"
#include "aface/core/stop_request.h"
#include "aface/core/stopwatch.h"
#include "aface/data/photo_input.h"
#include "aface/detect/face_chips.h"
#include "aface/detect/left_out.h"
#include "aface/image/align.h"
#include "aface/image/image_file.h"
#include "aface/io/landmark_list.h"
#include "aface/io/relative_path.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWarnings = 10;  // photos left out that are named one by one; the rest is counted
constexpr std::int64_t kProgressEvery = 5000;  // photos between progress lines

// The photos of one run, and the chips of each.
class ChipSupply {
 public:
  virtual ~ChipSupply() = default;
  virtual std::int64_t count() const = 0;
  virtual std::string name(
      std::int64_t photo) const = 0;  // below the output folder, once the extension is off
  virtual std::string place(std::int64_t photo) const = 0;  // for messages: which line, which file
  virtual bool exists(std::int64_t photo) const = 0;
  // Messages of errors begin with place().
  virtual Result<std::vector<FaceChip>> cut(std::int64_t photo, PhotoBuffers& buffers) const = 0;
};

class GivenFaces : public ChipSupply {
 public:
  explicit GivenFaces(const AlignOptions& options)
      : images_(options.images),
        landmarks_(options.landmarks),
        size_px_(options.size_px),
        rows_(read_landmark_list(options.landmarks)) {}

  std::int64_t count() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::string name(std::int64_t photo) const override { return row(photo).path; }
  std::string place(std::int64_t photo) const override {
    return fmt::format("{}:{}: {}", landmarks_, row(photo).line, row(photo).path);
  }
  bool exists(std::int64_t photo) const override { return file_exists(path(photo)); }
  Result<std::vector<FaceChip>> cut(std::int64_t photo, PhotoBuffers&) const override {
    const Result<Image> image = read_image(path(photo));
    if (!image.ok()) return image.error();
    FaceChip chip;
    chip.face.emplace().landmarks = landmarks_from(row(photo).points);
    Result<Image> aligned = align_face(image.value(), chip.face->landmarks, size_px_);
    if (!aligned.ok()) {
      return Error(ErrorKind::kData, fmt::format("{}: {}", place(photo), aligned.error().what()));
    }
    chip.chip = std::move(aligned).value();
    return std::vector<FaceChip>{std::move(chip)};
  }

 private:
  const LandmarkRow& row(std::int64_t photo) const { return rows_[static_cast<std::size_t>(photo)]; }
  std::string path(std::int64_t photo) const { return images_ + "/" + row(photo).path; }

  std::string images_, landmarks_;
  int size_px_;
  std::vector<LandmarkRow> rows_;
};

FaceChipOptions chip_options(const AlignOptions& options) {
  FaceChipOptions chips;
  chips.size_px = options.size_px;
  chips.on_chip = chip_template(options.size_px);
  chips.many = many_faces_from(options.many);
  chips.takes_middle_without_face = options.none == "centre-crop";
  return chips;
}

class FoundFaces : public ChipSupply {
 public:
  explicit FoundFaces(const AlignOptions& options)
      : cutter_(std::make_shared<FaceDetector>(options.detector, options.detect), chip_options(options)),
        input_(open_photos(options.images, options.list)),
        is_files_(!options.list.empty()) {}

  std::int64_t count() const override { return input_.count; }
  std::string name(std::int64_t photo) const override { return input_.photos->photo_name(photo); }
  std::string place(std::int64_t photo) const override { return input_.photos->photo_place(photo); }
  bool exists(std::int64_t photo) const override { return !is_files_ || file_exists(place(photo)); }
  Result<std::vector<FaceChip>> cut(std::int64_t photo, PhotoBuffers& buffers) const override {
    const auto bytes = input_.photos->encoded(photo, buffers);
    if (!bytes.ok()) return bytes.error();
    return cutter_.cut(bytes.value(), place(photo));
  }

 private:
  FaceCutter cutter_;
  PhotoInput input_;
  bool is_files_;  // named by a list, so that some may be missing
};

// Links and ".." resolved as far as the folder exists, without a slash at the end.
fs::path canonical_folder(const std::string& folder) {
  const fs::path path = fs::weakly_canonical(folder);
  return path.has_filename() ? path : path.parent_path();
}

bool lies_below(const std::string& folder, const std::string& root) {
  const fs::path way = canonical_folder(folder).lexically_relative(canonical_folder(root));
  return !way.empty() && *way.begin() != "..";
}

void check_options(const AlignOptions& options) {
  (void)chip_template(options.size_px);  // refuses sizes out of range
  if (options.format != "jpg" && options.format != "png") {
    throw Error(ErrorKind::kUsage,
                fmt::format("unknown chip format '{}' (expected jpg or png)", options.format));
  }
  if (options.quality < 1 || options.quality > 100) {
    throw Error(ErrorKind::kUsage,
                fmt::format("JPEG quality {} is out of range (expected 1 to 100)", options.quality));
  }
  if (options.on_bad_image != "skip" && options.on_bad_image != "fail") {
    throw Error(ErrorKind::kUsage,
                fmt::format("on-bad-image is '{}' (expected skip or fail)", options.on_bad_image));
  }
  if (options.none != "skip" && options.none != "fail" && options.none != "centre-crop") {
    throw Error(ErrorKind::kUsage,
                fmt::format("none is '{}' (expected skip, fail or centre-crop)", options.none));
  }
  if (options.landmarks.empty() == options.detector.empty()) {
    throw Error(ErrorKind::kUsage, "align: name either the list of the landmarks or a detector");
  }
  if (!options.landmarks.empty() && !options.list.empty()) {
    throw Error(ErrorKind::kUsage,
                "align: a list of photos goes with a detector; landmarks name their photos");
  }
  if (!options.landmarks.empty() && !folder_exists(options.images)) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: no such folder; check where the photos are", options.images));
  }
  if (canonical_folder(options.out) == canonical_folder(options.images)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{}: the chips would overwrite the photos; choose another output folder", options.out));
  }
  if (options.landmarks.empty() && options.list.empty() && lies_below(options.out, options.images)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{}: lies among the photos, so that the next run would take chips for photos; choose "
                    "another output folder",
                    options.out));
  }
}

// Of a photo's name, which may have no extension or dots of its own, below the output folder.
std::string chip_name(const AlignOptions& options, const std::string& photo, std::size_t face) {
  fs::path path(photo);
  if (has_image_extension(photo)) path.replace_extension();
  const bool is_numbered = options.many == "all" && options.landmarks.empty();
  return fmt::format("{}{}.{}", path.string(), is_numbered ? fmt::format("_{}", face + 1) : "",
                     options.format);
}

void check_names(const AlignOptions& options, const ChipSupply& supply) {
  std::map<std::string, std::int64_t> photo_of;
  for (std::int64_t i = 0; i < supply.count(); ++i) {
    const std::string name = supply.name(i);
    if (normal_relative_path(name).empty()) {
      throw Error(
          ErrorKind::kData,
          fmt::format("{}: the path does not lie below {}, so its chip has no place below {}; give it "
                      "relative to the folder",
                      supply.place(i), options.images, options.out));
    }
    const auto [first, is_new] = photo_of.emplace(normal_relative_path(chip_name(options, name, 0)), i);
    if (!is_new) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: would overwrite the chip of {}; rename one photo or list it once",
                              supply.place(i), supply.place(first->second)));
    }
  }
}

void check_photos_exist(const AlignOptions& options, const ChipSupply& supply) {
  std::int64_t first = -1, missing = 0;
  for (std::int64_t i = 0; i < supply.count(); ++i) {
    if (supply.exists(i)) continue;
    if (first < 0) first = i;
    ++missing;
  }
  if (first < 0) return;
  throw Error(
      ErrorKind::kData,
      fmt::format("{}: is not a file below {} ({} of {} listed photos are missing); check the folder, "
                  "or leave them out with --on-bad-image skip",
                  supply.place(first), options.images, missing, supply.count()));
}

// A chip that cannot be written is no fault of the photo: throws.
void write_chip(const AlignOptions& options, const std::string& name, const Image& chip) {
  const auto bytes = options.format == "jpg" ? encode_jpeg(chip, options.quality) : encode_png(chip);
  const std::string path = (fs::path(options.out) / name).string();
  make_folder(fs::path(path).parent_path().string());
  write_file_atomically(
      path, [&](int descriptor) { write_all(descriptor, bytes.data(), bytes.size(), path); },
      Durability::kRenamed);
}

// What became of one photo.
struct Outcome {
  std::vector<std::optional<Face>> faces;  // of its chips
  std::string reason;                      // why there are none
};

// Unusable landmarks that were given are the list's fault, as an unreadable photo is.
LeaveOutRule leave_out_rule(const AlignOptions& options) {
  LeaveOutRule rule;
  rule.bad = options.on_bad_image == "skip";
  rule.faceless = options.detector.empty() ? rule.bad : options.none != "fail";
  return rule;
}

Outcome align_one(const AlignOptions& options, const ChipSupply& supply, std::int64_t photo,
                  PhotoBuffers& buffers) {
  Outcome outcome;
  const Result<std::vector<FaceChip>> chips = supply.cut(photo, buffers);
  if (!chips.ok()) {
    if (!leave_out_rule(options).covers(chips.error())) throw chips.error();
    outcome.reason = reason_of(chips.error(), supply.place(photo));
    return outcome;
  }
  for (const FaceChip& chip : chips.value()) {
    write_chip(options, chip_name(options, supply.name(photo), outcome.faces.size()), chip.chip);
    outcome.faces.push_back(chip.face);
  }
  return outcome;
}

std::string numbers_of(const std::optional<Face>& face) {
  std::string text;
  const bool has_box = face && face->score > 0;
  text += has_box ? fmt::format("\t{:.2f}\t{:.2f}\t{:.2f}\t{:.2f}\t{:.4f}", face->box.x, face->box.y,
                                face->box.width, face->box.height, face->score)
                  : std::string(5, '\t');
  for (std::size_t k = 0; k < Landmarks().size(); ++k) {
    text += face ? fmt::format("\t{:.2f}\t{:.2f}", face->landmarks[k].x, face->landmarks[k].y) : "\t\t";
  }
  return text;
}

void write_tables(const AlignOptions& options, const ChipSupply& supply,
                  const std::vector<Outcome>& outcomes) {
  FileWriter chips((fs::path(options.out) / "chips.tsv").string());
  std::vector<LeftOutPhoto> left_out;
  chips.write("chip\tphoto\tface\tx\ty\twidth\theight\tscore\tx1\ty1\tx2\ty2\tx3\ty3\tx4\ty4\tx5\ty5\n");
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::string name = supply.name(static_cast<std::int64_t>(i));
    const Outcome& outcome = outcomes[i];
    for (std::size_t k = 0; k < outcome.faces.size(); ++k) {
      chips.write(fmt::format("{}\t{}\t{}{}\n", chip_name(options, name, k), name, k + 1,
                              numbers_of(outcome.faces[k])));
    }
    if (outcome.faces.empty()) left_out.push_back({name, outcome.reason});
  }
  write_left_out((fs::path(options.out) / "left_out.tsv").string(), left_out);
  chips.commit();
}

}  // namespace

AlignReport align_photos(const AlignOptions& options) {
  check_options(options);
  std::unique_ptr<const ChipSupply> supply;
  if (options.detector.empty()) {
    supply = std::make_unique<GivenFaces>(options);
  } else {
    supply = std::make_unique<FoundFaces>(options);
  }
  check_names(options, *supply);
  if (options.on_bad_image == "fail") check_photos_exist(options, *supply);
  make_folder(options.out);

  Stopwatch watch;
  constexpr std::int64_t kGrain = 16;
  std::vector<Outcome> outcomes(static_cast<std::size_t>(supply->count()));
  std::atomic<std::int64_t> done{0}, left_out{0}, written{0};
  parallel_for(supply->count(), kGrain, options.threads, [&](std::int64_t begin, std::int64_t end) {
    PhotoBuffers buffers;
    for (std::int64_t i = begin; i < end; ++i) {
      throw_if_stopped();
      Outcome& outcome = outcomes[static_cast<std::size_t>(i)];
      outcome = align_one(options, *supply, i, buffers);
      written += static_cast<std::int64_t>(outcome.faces.size());
      if (outcome.faces.empty() && left_out++ < kWarnings) {
        log_warning("align", "left out: {}: {}", supply->place(i), outcome.reason);
      }
      if (++done % kProgressEvery == 0) log_info("align", "{} of {} photos", done.load(), supply->count());
    }
  });
  AlignReport report;
  report.photos = supply->count();
  report.written = written;
  report.left_out = left_out;
  report.seconds = watch.lap();
  if (report.written == 0) {
    throw Error(ErrorKind::kData, fmt::format("{}: none of the {} photos gave a chip (the first: {})",
                                              options.images, report.photos, outcomes.front().reason));
  }
  write_tables(options, *supply, outcomes);
  return report;
}

}  // namespace aface
