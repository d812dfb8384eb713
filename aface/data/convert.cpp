#include "aface/data/convert.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <vector>

#include "aface/core/digest.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/stop_request.h"
#include "aface/data/face_dataset.h"
#include "aface/data/photo_writer.h"

namespace aface {
namespace {

constexpr std::int64_t kProgressEvery = 500'000;  // photos between progress lines

// A photo as it was written.
struct Written {
  std::uint64_t digest = 0;  // of its bytes
  std::int64_t identity = 0;
};

Span<const unsigned char> bytes_of(const FaceDataset& dataset, std::int64_t sample, PhotoBuffers& buffers) {
  const Result<Span<const unsigned char>> bytes = dataset.photos->encoded(sample, buffers);
  if (!bytes.ok()) throw bytes.error();
  if (bytes.value().empty())
    throw Error(ErrorKind::kData,
                dataset.photos->photo_place(sample) + ": the photo has no bytes; leave it out");
  return bytes.value();
}

std::uint64_t digest_of(Span<const unsigned char> bytes) {
  Digest digest;
  digest.add(bytes.data(), bytes.size());
  return digest.value();
}

// Identity by identity, each in the order of the set.
std::vector<std::int64_t> order_by_identity(const FaceDataset& dataset) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(dataset.num_samples()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return dataset.identity_of(a) < dataset.identity_of(b);
  });
  return order;
}

std::vector<std::string> names_of(const FaceDataset& dataset) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < dataset.num_identities(); ++i)
    names.push_back(dataset.photos->identity_name(i));
  return names;
}

// Samples of `copy` in the order in which they were written.
std::vector<std::int64_t> order_of_writing(const FaceDataset& copy, const std::string& kind) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(copy.num_samples()));
  std::iota(order.begin(), order.end(), 0);
  if (kind != "folder") return order;  // the others keep the order; the files of a folder bear their number
  std::vector<std::string> files;
  for (const std::int64_t sample : order)
    files.push_back(std::filesystem::path(copy.photos->photo_name(sample)).filename().string());
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return files[static_cast<std::size_t>(a)] < files[static_cast<std::size_t>(b)];
  });
  return order;
}

void verify(const ConvertOptions& options, const std::vector<Written>& written,
            const std::vector<std::string>& names) {
  DataOptions from;
  from.source = options.to;
  from.root = options.to_path;
  const FaceDataset copy = load_dataset(from, 1);
  const auto differ = [&](const std::string& what) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: {}; the copy is not what was written, do not use it and check the disk",
                            options.to_path, what));
  };
  if (copy.num_samples() != static_cast<std::int64_t>(written.size()) ||
      copy.num_identities() != static_cast<std::int64_t>(names.size())) {
    differ(fmt::format("{} photos of {} identities were read back, {} of {} were written", copy.num_samples(),
                       copy.num_identities(), written.size(), names.size()));
  }
  const bool is_folder = options.to == "folder";
  const std::vector<std::int64_t> order = order_of_writing(copy, options.to);
  PhotoBuffers buffers;
  for (std::size_t i = 0; i < written.size(); ++i) {
    throw_if_stopped();
    const std::int64_t sample = order[i];
    const std::string& name = names[static_cast<std::size_t>(written[i].identity)];
    if (copy.photos->identity_name(copy.identity_of(sample)) != (is_folder ? identity_folder(name) : name)) {
      differ(copy.photos->photo_place(sample) + " is another identity's");
    }
    if (digest_of(bytes_of(copy, sample, buffers)) != written[i].digest) {
      differ(copy.photos->photo_place(sample) + " has other bytes");
    }
  }
}

ConvertReport write_list(const ConvertOptions& options, const FaceDataset& dataset) {
  if (options.from.source != "folder" && options.from.source != "list") {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: a list names files, and {} holds none; convert to a folder first",
                            options.to_path, options.from.root));
  }
  std::string text;
  ConvertReport report;
  for (std::int64_t sample = 0; sample < dataset.num_samples(); ++sample) {
    text += fmt::format("{}\t{}\n", dataset.photos->photo_name(sample),
                        dataset.photos->identity_name(dataset.identity_of(sample)));
  }
  write_file_atomically(options.to_path, text);
  DataOptions from = options.from;
  from.source = "list";
  from.list = options.to_path;
  if (load_dataset(from, 1).fingerprint() != dataset.fingerprint()) {
    throw Error(ErrorKind::kData,
                options.to_path + ": the list does not give the same set (is a tab in a name?)");
  }
  report.images = dataset.num_samples();
  report.identities = dataset.num_identities();
  return report;
}

}  // namespace

ConvertReport convert_photos(const ConvertOptions& options) {
  const FaceDataset dataset = load_dataset(options.from, 1);
  if (options.to == "list") return write_list(options, dataset);
  PhotoWriterOptions to;
  to.kind = options.to;
  to.path = options.to_path;
  to.identity_names = names_of(dataset);
  to.is_plain = options.is_plain;
  to.shard_bytes = options.shard_bytes;
  const std::unique_ptr<PhotoWriter> writer = make_photo_writer(to);

  ConvertReport report;
  std::vector<Written> written;
  written.reserve(dataset.identities.size());
  PhotoBuffers buffers;
  for (const std::int64_t sample : order_by_identity(dataset)) {
    throw_if_stopped();
    const Span<const unsigned char> bytes = bytes_of(dataset, sample, buffers);
    const std::int64_t identity = dataset.identity_of(sample);
    writer->add(identity, bytes, dataset.photos->photo_place(sample));
    written.push_back({digest_of(bytes), identity});
    report.bytes += bytes.size();
    if (++report.images % kProgressEvery == 0)
      log_info("convert", "{} of {} photos", report.images, dataset.num_samples());
  }
  report.remark = writer->finish();
  report.identities = dataset.num_identities();
  verify(options, written, to.identity_names);
  return report;
}

}  // namespace aface
