#include "aface/model/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "aface/core/error.h"
#include "aface/core/sha256.h"
#include "aface/io/safetensors.h"

namespace aface {
namespace {

constexpr const char* kBackbone = "backbone";
constexpr const char* kCard = "card";
constexpr const char* kDigest = "digest";
constexpr const char* kChip = "reference.chip";
constexpr const char* kEmbedding = "reference.embedding";

// The length first, so that "ab", "c" is not "a", "bc".
void add_text(Sha256& sha, const std::string& text) {
  sha.add(fmt::format("{} ", text.size()));
  sha.add(text);
}

void add_array(Sha256& sha, const std::string& name, const NamedArray& array) {
  add_text(sha, name);
  add_text(sha, fmt::format("{} [{}]", type_name(array.type), fmt::join(array.shape, ", ")));
  array.bytes.for_each_piece([&](const void* data, std::size_t size) { sha.add(data, size); });
}

std::string digest_of(const NamedArrays& file) {
  Sha256 sha;
  add_text(sha, "adaptiveface model 1");
  for (const auto& [key, text] : file.metadata) {
    if (key == kDigest) continue;
    add_text(sha, key);
    add_text(sha, text);
  }
  for (const auto& [name, array] : file.arrays) add_array(sha, name, array);
  return hex_text(sha.finish());
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Values are written out, so that an option that is added later changes nothing.
std::string embedding_digest_of(const ModelCard& card, const NamedArrays& network) {
  Sha256 sha;
  add_text(sha, fmt::format("adaptiveface embedding 1 {} {} {} {} {} {} {} {}", card.network.kind,
                            card.network.input_size, card.network.embedding_dim, card.network.width,
                            colour_name(card.colour), flip_name(card.flip), fmt::join(card.mean, " "),
                            fmt::join(card.scale, " ")));
  for (const Point& point : card.alignment) add_text(sha, fmt::format("{} {}", point.x, point.y));
  for (const auto& [name, array] : network.arrays) {
    if (!ends_with(name, "num_batches_tracked")) add_array(sha, name, array);
  }
  return hex_text(sha.finish());
}

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(ErrorKind::kFormat, fmt::format("{}: {}", path, what));
}

void check_digest(const NamedArrays& file, const std::string& path) {
  const std::string& stored = file.metadata.at(kDigest);
  if (const std::string found = digest_of(file); found != stored) {
    fail(path,
         fmt::format(
             "the digest does not fit (stored {}, of the content {}): weights or metadata were damaged or "
             "changed after the file was written; use another copy",
             stored, found));
  }
}

std::vector<std::string> missing_in(const NamedArrays& file) {
  std::vector<std::string> missing;
  if (file.metadata.count(kBackbone) == 0) missing.emplace_back("network options");
  if (file.metadata.count(kCard) == 0)
    missing.emplace_back("card (colour order, scale, alignment, flip rule, thresholds)");
  if (!file.has(kChip) || !file.has(kEmbedding)) missing.emplace_back("reference chip and embedding");
  if (file.metadata.count(kDigest) == 0) missing.emplace_back("digest");
  return missing;
}

void check_shape(const NamedArray& array, const char* name, DataType type,
                 const std::vector<std::int64_t>& shape, const std::string& path) {
  if (array.type == type && array.shape == shape) return;
  fail(path, fmt::format("array '{}' is {} [{}] (expected {} [{}])", name, type_name(array.type),
                         fmt::join(array.shape, ", "), type_name(type), fmt::join(shape, ", ")));
}

// The reference of a file, taken out of it.
void take_reference(NamedArrays& file, Model& model, const std::string& path) {
  const std::int64_t size = model.card.network.input_size;
  check_shape(file.at(kChip), kChip, DataType::kUint8, {size, size, 3}, path);
  check_shape(file.at(kEmbedding), kEmbedding, DataType::kFloat32, {model.card.network.embedding_dim}, path);
  model.reference_chip = Image(static_cast<int>(size), static_cast<int>(size));
  model.reference_chip.pixels = file.get<std::uint8_t>(kChip);
  model.reference_embedding = file.get<float>(kEmbedding);
  file.arrays.erase(kChip);
  file.arrays.erase(kEmbedding);
}

BackboneOptions options_of(const NamedArrays& file, const std::string& path) {
  const auto found = file.metadata.find(kBackbone);
  if (found == file.metadata.end()) {
    fail(path,
         fmt::format("no metadata '{}', so the network is unknown (expected JSON with kind, input_size, "
                     "embedding_dim, width); give these options if another program wrote the file",
                     kBackbone));
  }
  try {
    return parse_network(found->second);
  } catch (const Error& error) {
    fail(path, fmt::format("metadata '{}': {}", kBackbone, error.what()));
  }
}

ModelCard card_of(const NamedArrays& file, const BackboneOptions& network, const std::string& path) {
  try {
    return parse_card(network, file.metadata.at(kCard));
  } catch (const Error& error) {
    fail(path, fmt::format("metadata '{}': {}", kCard, error.what()));
  }
}

}  // namespace

Model read_model(const std::string& path) {
  NamedArrays file = read_safetensors(path);
  if (const std::vector<std::string> missing = missing_in(file); !missing.empty()) {
    fail(
        path,
        fmt::format(
            "the file holds a network but lacks what its use depends on: {}; add it with 'adaptiveface model "
            "upgrade {} --out NEW'",
            fmt::join(missing, ", "), path));
  }
  check_digest(file, path);
  Model model;
  model.card = card_of(file, options_of(file, path), path);
  model.digest = file.metadata.at(kDigest);
  take_reference(file, model, path);
  model.network.arrays = std::move(file.arrays);
  model.embedding_digest = embedding_digest_of(model.card, model.network);
  return model;
}

void write_model(const std::string& path, const Model& model) {
  const auto size = static_cast<std::size_t>(model.card.input_size());
  if (model.reference_chip.pixels.size() != size * size * 3 ||
      model.reference_embedding.size() != static_cast<std::size_t>(model.card.dim())) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: the reference chip and embedding do not fit a network of {} px and {} "
                            "numbers",
                            path, size, model.card.dim()));
  }
  NamedArrays file;
  file.arrays = model.network.arrays;
  file.put(kChip, model.reference_chip.pixels,
           {model.card.network.input_size, model.card.network.input_size, 3});
  file.put(kEmbedding, model.reference_embedding);
  file.metadata[kBackbone] = network_json(model.card.network);
  file.metadata[kCard] = card_json(model.card);
  file.metadata[kDigest] = digest_of(file);
  write_safetensors(path, file);
}

std::vector<std::string> missing_parts(const std::string& path) { return missing_in(read_safetensors(path)); }

NamedArrays read_network(const std::string& path) {
  NamedArrays file = read_safetensors(path);
  if (file.metadata.count(kDigest) != 0) check_digest(file, path);
  NamedArrays network;
  if (const auto found = file.metadata.find(kBackbone); found != file.metadata.end())
    network.metadata.insert(*found);
  network.arrays = std::move(file.arrays);
  network.arrays.erase(kChip);
  network.arrays.erase(kEmbedding);
  return network;
}

BackboneOptions network_options(const NamedArrays& network, const std::string& path) {
  return options_of(network, path);
}

}  // namespace aface
