#include "aface/data/chip_writer.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/result.h"
#include "aface/core/stop_request.h"
#include "aface/image/align.h"
#include "aface/image/image_file.h"
#include "aface/io/landmark_list.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kWarnings = 10;         // bad photos named one by one; the rest is counted
constexpr std::int64_t kProgressEvery = 5000;  // photos between progress lines

// Links and ".." resolved as far as the folder exists, without a slash at the end.
fs::path canonical_folder(const std::string& folder) {
  const fs::path path = fs::weakly_canonical(folder);
  return path.has_filename() ? path : path.parent_path();
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
  if (!folder_exists(options.images)) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: no such folder; check where the photos are", options.images));
  }
  if (canonical_folder(options.out) == canonical_folder(options.images)) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("{}: the chips would overwrite the photos; choose another output folder", options.out));
  }
}

std::string chip_path(const AlignOptions& options, const LandmarkRow& row) {
  return (fs::path(options.out) / fs::path(row.path).replace_extension(options.format)).string();
}

void check_one_row_per_chip(const AlignOptions& options, const std::vector<LandmarkRow>& rows) {
  std::map<std::string, std::int64_t> line_of;
  for (const auto& row : rows) {
    const auto [first, is_new] = line_of.emplace(chip_path(options, row), row.line);
    if (!is_new) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}:{}: '{}' would overwrite the chip of line {}; rename one photo",
                              options.landmarks, row.line, row.path, first->second));
    }
  }
}

void check_photos_exist(const AlignOptions& options, const std::vector<LandmarkRow>& rows) {
  const LandmarkRow* first = nullptr;
  std::int64_t missing = 0;
  for (const auto& row : rows) {
    if (file_exists(options.images + "/" + row.path)) continue;
    if (first == nullptr) first = &row;
    ++missing;
  }
  if (first == nullptr) return;
  throw Error(
      ErrorKind::kData,
      fmt::format(
          "{}:{}: '{}' is not a file below {} ({} of {} listed photos are missing); check the folder, "
          "or leave them out with --on-bad-image skip",
          options.landmarks, first->line, first->path, options.images, missing, rows.size()));
}

// The reason when the photo gives no chip. A chip that cannot be written is no fault of the photo: throws.
std::optional<Error> write_chip(const AlignOptions& options, const LandmarkRow& row) {
  const Result<Image> photo = read_image(options.images + "/" + row.path);
  if (!photo.ok()) return photo.error();
  const Result<Image> chip = align_face(photo.value(), landmarks_from(row.points), options.size_px);
  if (!chip.ok()) {
    return Error(ErrorKind::kData,
                 fmt::format("{}:{}: {}: {}", options.landmarks, row.line, row.path, chip.error().what()));
  }
  const auto bytes =
      options.format == "jpg" ? encode_jpeg(chip.value(), options.quality) : encode_png(chip.value());
  const std::string path = chip_path(options, row);
  make_folder(fs::path(path).parent_path().string());
  write_file_atomically(
      path, [&](int descriptor) { write_all(descriptor, bytes.data(), bytes.size(), path); },
      Durability::kRenamed);
  return std::nullopt;
}

}  // namespace

AlignReport align_photos(const AlignOptions& options) {
  check_options(options);
  const std::vector<LandmarkRow> rows = read_landmark_list(options.landmarks);
  check_one_row_per_chip(options, rows);
  const bool skip = options.on_bad_image == "skip";
  if (!skip) check_photos_exist(options, rows);
  make_folder(options.out);

  const auto began = std::chrono::steady_clock::now();
  constexpr std::int64_t kGrain = 16;
  std::atomic<std::int64_t> done{0}, bad{0};
  parallel_for(static_cast<std::int64_t>(rows.size()), kGrain, options.threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i) {
                   throw_if_stopped();
                   const auto error = write_chip(options, rows[static_cast<std::size_t>(i)]);
                   if (error && !skip) throw *error;
                   if (error && bad++ < kWarnings) log_warning("align", "left out: {}", error->what());
                   if (++done % kProgressEvery == 0)
                     log_info("align", "{} of {} photos", done.load(), rows.size());
                 }
               });
  AlignReport report;
  report.bad = bad;
  report.written = static_cast<std::int64_t>(rows.size()) - report.bad;
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (report.written == 0) {
    throw Error(ErrorKind::kData, fmt::format("{}: none of the {} listed photos gave a chip; check {}",
                                              options.landmarks, rows.size(), options.images));
  }
  return report;
}

}  // namespace aface
