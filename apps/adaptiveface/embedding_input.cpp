#include "apps/adaptiveface/embedding_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/core/error.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/io/feature_file.h"
#include "aface/io/npy.h"
#include "aface/io/path_match.h"
#include "aface/io/text_list.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

// Embeddings as they were found, one row for each wanted image, in any scale.
struct RawEmbeddings {
  std::size_t dim = 0;
  std::vector<float> values;
  std::vector<std::string> names;
  std::optional<FlipRule> flip;
};

std::vector<std::string> chosen(const std::vector<std::string>& names,
                                const std::vector<std::int64_t>& rows) {
  std::vector<std::string> picked;
  picked.reserve(rows.size());
  for (const std::int64_t row : rows) picked.push_back(names[static_cast<std::size_t>(row)]);
  return picked;
}

void require_one_source(const EmbeddingFlags& flags, const std::string& command) {
  const auto refuse = [&](const std::string& what) { throw Error(ErrorKind::kUsage, command + ": " + what); };
  const int sources = !flags.embed->model.empty() + !flags.embeddings.empty() + !flags.features.empty();
  if (sources != 1) {
    refuse("give one source of embeddings: --model with --images, --embeddings with --list, or --features");
  }
  if (!flags.embed->model.empty() && flags.images.empty())
    refuse("--model needs --images, the folder of chips");
  if (!flags.embeddings.empty() && flags.list.empty()) {
    refuse("--embeddings needs --list, the names of its rows (embed writes both)");
  }
}

// Only images that are wanted are embedded.
RawEmbeddings embed_images(const EmbeddingFlags& flags, const std::vector<std::string>& wanted) {
  const std::vector<std::string> available = list_images(flags.images);
  const std::vector<std::int64_t> matches = match_paths(wanted, available, flags.images);
  require_all_matched(wanted, matches, flags.images,
                      "put them there, or name the right folder with --images");
  std::vector<std::string> paths = chosen(available, matches);
  ModelEmbeddings made = embed_with_model(*flags.embed, flags.images, paths, OnBadImage::kFail);
  const auto dim = static_cast<std::size_t>(made.matrix.dim);
  return {dim, std::move(made.matrix.values), std::move(paths), made.flip};
}

RawEmbeddings read_matrix(const EmbeddingFlags& flags, const std::vector<std::string>& wanted) {
  const std::vector<std::string> names = read_text_list(flags.list);
  const NpyMatrix matrix = read_npy_matrix(flags.embeddings);
  if (matrix.rows != static_cast<std::int64_t>(names.size())) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: {} names but {} has {} rows (expected one name a row); use the list "
                            "that was written with the embeddings",
                            flags.list, names.size(), flags.embeddings, matrix.rows));
  }
  const std::vector<std::int64_t> rows = match_paths(wanted, names, flags.list);
  require_all_matched(wanted, rows, flags.list, "embed them too, or take the list of these images");
  RawEmbeddings raw;
  raw.dim = static_cast<std::size_t>(matrix.dim);
  raw.names = chosen(names, rows);
  raw.values.reserve(rows.size() * raw.dim);
  for (const std::int64_t row : rows) {
    const float* values = matrix.view().row(static_cast<std::size_t>(row));
    raw.values.insert(raw.values.end(), values, values + raw.dim);
  }
  return raw;
}

RawEmbeddings read_features(const EmbeddingFlags& flags, const std::vector<std::string>& wanted) {
  constexpr std::int64_t kFilesPerClaim = 16;
  std::vector<std::string> names = list_files(flags.features, flags.suffix);
  for (std::string& name : names) name.resize(name.size() - flags.suffix.size());
  const std::vector<std::int64_t> matches = match_paths(wanted, names, flags.features);
  require_all_matched(
      wanted, matches, flags.features,
      fmt::format("a feature file is named after its image and '{}' (--suffix)", flags.suffix));
  const auto path_of = [&](std::size_t i) {
    return flags.features + "/" + names[static_cast<std::size_t>(matches[i])] + flags.suffix;
  };

  RawEmbeddings raw;
  raw.names = chosen(names, matches);
  if (wanted.empty()) return raw;
  raw.dim = read_feature_file(path_of(0)).size();
  raw.values.resize(wanted.size() * raw.dim);
  parallel_for(static_cast<std::int64_t>(wanted.size()), kFilesPerClaim, flags.embed->threads,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                   const std::vector<float> values = read_feature_file(path_of(i));
                   if (values.size() != raw.dim) {
                     throw Error(
                         ErrorKind::kData,
                         fmt::format("{}: {} numbers (expected {} as in {}); take features of one network",
                                     path_of(i), values.size(), raw.dim, path_of(0)));
                   }
                   std::copy(values.begin(), values.end(),
                             raw.values.begin() + static_cast<std::ptrdiff_t>(i * raw.dim));
                 }
               });
  return raw;
}

// Scales each row to length 1 in place, summing in double. Rows without a direction become zero and are
// marked.
std::vector<std::uint8_t> normalise_rows(RawEmbeddings& raw, std::size_t rows) {
  std::vector<std::uint8_t> has_no_direction(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    float* row = raw.values.data() + i * raw.dim;
    const double length = std::sqrt(wide_inner_product(row, row, raw.dim));
    has_no_direction[i] = !(length > 0 && std::isfinite(length));
    for (std::size_t k = 0; k < raw.dim; ++k)
      row[k] = has_no_direction[i] ? 0.0f : static_cast<float>(row[k] / length);
  }
  return has_no_direction;
}

std::string first_names(const std::vector<std::string>& wanted, const std::vector<std::uint8_t>& marked) {
  constexpr int kShown = 3;
  std::string text;
  int count = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!marked[i] || ++count > kShown) continue;
    text += (count == 1 ? "'" : ", '") + wanted[i] + "'";
  }
  return count > kShown ? text + ", ..." : text;
}

RawEmbeddings load_raw(const EmbeddingFlags& flags, const std::vector<std::string>& wanted) {
  if (!flags.embed->model.empty()) return embed_images(flags, wanted);
  if (!flags.embeddings.empty()) return read_matrix(flags, wanted);
  return read_features(flags, wanted);
}

// Every photo once, however many pairs it is in.
RawEmbeddings embed_set(const EmbedFlags& flags, const VerificationBin& set, const PairList& pairs) {
  std::vector<Span<const unsigned char>> images;
  std::vector<std::string> names;
  std::vector<std::size_t> row_of_image;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    const auto photo = static_cast<std::size_t>(pairs.photos[i]);  // its first image, which has a row already
    row_of_image.push_back(photo == i ? images.size() : row_of_image[photo]);
    if (photo != i) continue;
    images.push_back(set.images[i]);
    names.push_back(pairs.paths[i]);
  }
  const ModelEmbeddings made =
      embed_with_model(flags, encoded_chips(std::move(images), std::move(names)), OnBadImage::kFail);
  RawEmbeddings raw;
  raw.dim = static_cast<std::size_t>(made.matrix.dim);
  raw.flip = made.flip;
  raw.names = pairs.paths;
  for (const std::size_t row : row_of_image) {
    const float* values = made.matrix.view().row(row);
    raw.values.insert(raw.values.end(), values, values + raw.dim);
  }
  return raw;
}

RawEmbeddings read_rows_in_order(const std::string& path, const std::vector<std::string>& images) {
  NpyMatrix matrix = read_npy_matrix(path);
  if (matrix.rows != static_cast<std::int64_t>(images.size())) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: {} rows but the set has {} images (expected row k to be image k)", path,
                            matrix.rows, images.size()));
  }
  return {static_cast<std::size_t>(matrix.dim), std::move(matrix.values), images, std::nullopt};
}

UnitEmbeddings to_unit_embeddings(RawEmbeddings raw, const EmbeddingFlags& flags, const std::string& command,
                                  const std::vector<std::string>& wanted) {
  if (raw.dim == 0 && !wanted.empty()) {
    throw Error(ErrorKind::kData,
                flags.embeddings + ": the embeddings hold no numbers (expected some a row)");
  }
  UnitEmbeddings unit;
  unit.no_match = normalise_rows(raw, wanted.size());
  unit.dim = raw.dim;
  unit.values = std::move(raw.values);
  unit.names = std::move(raw.names);
  unit.flip = raw.flip;

  const auto bad = std::count(unit.no_match.begin(), unit.no_match.end(), 1);
  if (bad == 0) {
    unit.no_match.clear();
    return unit;
  }
  const std::string what = fmt::format("{} of {} embeddings are zero or not finite ({})", bad, wanted.size(),
                                       first_names(wanted, unit.no_match));
  if (flags.on_bad == "fail") {
    throw Error(ErrorKind::kData,
                fmt::format("{}: {}; look at the images and the network, or say --bad-embeddings no-match",
                            command, what));
  }
  log_warning("evaluate", "{}; they match nothing", what);
  return unit;
}

}  // namespace

std::shared_ptr<EmbeddingFlags> add_embedding_flags(CLI::App& app) {
  auto flags = std::make_shared<EmbeddingFlags>();
  flags->embed = add_embed_flags(app);
  app.add_option("--images", flags->images,
                 "with --model: folder of aligned face chips, as the lists name them; else only noted in "
                 "--json, for the "
                 "pictures of a report");
  app.add_option("--embeddings", flags->embeddings, "in place of a model: a matrix (.npy), one row an image");
  app.add_option("--list", flags->list, "with --embeddings: the name of each row, one a line");
  app.add_option(
      "--features", flags->features,
      "in place of a model: folder of MegaFace feature files, one an image, named as the image and --suffix");
  app.add_option("--suffix", flags->suffix,
                 "with --features: what follows the image's name, like .jpg_net.bin or .bin")
      ->capture_default_str();
  app.add_option("--bad-embeddings", flags->on_bad,
                 "an embedding that is zero or not finite: stop, or let its image match nothing (score -1) "
                 "and count it")
      ->check(CLI::IsMember({"fail", "no-match"}))
      ->capture_default_str();
  return flags;
}

UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const std::vector<std::string>& wanted) {
  require_one_source(flags, command);
  return to_unit_embeddings(load_raw(flags, wanted), flags, command, wanted);
}

UnitEmbeddings load_embeddings(const EmbeddingFlags& flags, const std::string& command,
                               const VerificationBin& set, const PairList& pairs) {
  const bool has_model = !flags.embed->model.empty();
  if (has_model == !flags.embeddings.empty() || !flags.features.empty() || !flags.list.empty() ||
      !flags.images.empty()) {
    throw Error(ErrorKind::kUsage,
                command +
                    ": a set of images (.bin) takes --model, or --embeddings with one row for "
                    "each image in its order, and none of --images, --list and --features");
  }
  RawEmbeddings raw =
      has_model ? embed_set(*flags.embed, set, pairs) : read_rows_in_order(flags.embeddings, pairs.paths);
  return to_unit_embeddings(std::move(raw), flags, command, pairs.paths);
}

std::vector<std::pair<std::string, std::string>> describe_source(const EmbeddingFlags& flags,
                                                                 const UnitEmbeddings& embeddings) {
  std::vector<std::pair<std::string, std::string>> source;
  if (!flags.embed->model.empty()) {
    source.emplace_back("model", flags.embed->model);
    if (embeddings.flip)
      source.emplace_back("views", *embeddings.flip == FlipRule::kNone ? "image" : "image + mirrored image");
  } else if (!flags.embeddings.empty()) {
    source.emplace_back("embeddings", flags.embeddings);
  } else {
    source.emplace_back("features", flags.features);
    source.emplace_back("suffix", flags.suffix);
  }
  if (!flags.images.empty()) source.emplace_back("images", flags.images);
  return source;
}

}  // namespace aface
