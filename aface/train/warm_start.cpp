#include "aface/train/warm_start.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "aface/config/config_reader.h"
#include "aface/core/log.h"
#include "aface/io/safetensors.h"
#include "aface/nn/model_file.h"
#include "aface/prototype/saved_prototypes.h"
#include "aface/train/checkpoint.h"
#include "aface/train/data_identity.h"
#include "aface/train/identity_means.h"
#include "aface/train/trainer.h"

namespace aface {
namespace {

constexpr char kNetwork[] = "backbone.";  // prefix in a trainer's state
constexpr char kWeight[] = "prototypes.weight";
constexpr char kVelocity[] = "prototypes.velocity";
constexpr char kMargins[] = "head.margins";

// What there is to start from.
struct Source {
  std::shared_ptr<Backbone> network;
  std::optional<NamedArrays> checkpoint;
  RunConfig config;  // of the checkpoint's run
};

void require_same_network(const std::string& path, const BackboneOptions& theirs,
                          const BackboneOptions& ours) {
  std::string changes;
  const auto compare = [&](const char* name, const auto& there, const auto& here) {
    if (there == here) return;
    changes += fmt::format("{}backbone.{} = {} (not {})", changes.empty() ? "" : ", ", name, there, here);
  };
  compare("kind", theirs.kind, ours.kind);
  compare("input_size", theirs.input_size, ours.input_size);
  compare("embedding_dim", theirs.embedding_dim, ours.embedding_dim);
  compare("width", theirs.width, ours.width);
  if (!changes.empty()) {
    throw Error(
        ErrorKind::kUsage,
        fmt::format("start.from: {} holds another network than this run asks for; set {}", path, changes));
  }
}

Source open_source(const std::string& path, const BackboneOptions& wanted) {
  const auto metadata = read_safetensors_metadata(path);
  Source source;
  if (metadata.count("backbone") != 0) {
    source.network = load_model(path);
    require_same_network(path, source.network->options(), wanted);
    return source;
  }
  if (metadata.count("config") == 0) {
    throw Error(ErrorKind::kFormat,
                fmt::format("start.from: {} is neither a model file nor a checkpoint of this program", path));
  }
  source.checkpoint = read_checkpoint(path).state;
  source.config = parse_config(source.checkpoint->text("config"), path);
  require_same_network(path, source.config.backbone, wanted);
  source.network = make_backbone(wanted);
  restore_module(*source.network, kNetwork, *source.checkpoint);
  return source;
}

// For each identity here the row of the same name in the checkpoint, or -1.
std::vector<std::int64_t> known_rows(const FaceDataset& dataset, const NamedArrays& checkpoint) {
  std::unordered_map<std::string, std::int64_t> row_of;
  const std::vector<std::string> names = get_identity_names(checkpoint);
  for (std::size_t i = 0; i < names.size(); ++i) row_of.emplace(names[i], static_cast<std::int64_t>(i));
  std::vector<std::int64_t> rows;
  for (std::int64_t identity = 0; identity < dataset.num_identities(); ++identity) {
    const auto found = row_of.find(dataset.photos->identity_name(identity));
    rows.push_back(found == row_of.end() ? -1 : found->second);
  }
  return rows;
}

// Where each row of a run's table starts.
class StartRows {
 public:
  StartRows(const FaceDataset& dataset, std::int64_t dim)
      : dim_(dim), known_(static_cast<std::size_t>(dataset.num_identities()), -1), mean_(known_) {}

  void carry(std::vector<std::int64_t> known, const SavedPrototypes& saved) {
    known_ = std::move(known);
    saved_ = &saved;
  }
  std::vector<std::int64_t> not_carried() const {
    std::vector<std::int64_t> identities;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i] < 0) identities.push_back(static_cast<std::int64_t>(i));
    }
    return identities;
  }
  void start_at_means(const std::vector<std::int64_t>& identities, IdentityMeans means) {
    means_ = std::move(means.rows);
    for (std::size_t i = 0; i < identities.size(); ++i) {
      if (means.has_mean[i] != 0)
        mean_[static_cast<std::size_t>(identities[i])] = static_cast<std::int64_t>(i);
    }
  }
  WarmStart counts() const {
    WarmStart counts;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      ++(known_[i] >= 0 ? counts.carried : mean_[i] >= 0 ? counts.from_means : counts.random);
    }
    if (saved_ != nullptr) counts.left_behind = saved_->rows() - counts.carried;
    return counts;
  }
  // The table as bytes that are read row by row: there is never a second table in memory. `drawn` are the
  // rows that the table has now.
  ArrayBytes bytes(const ArrayBytes& drawn) const {
    const std::size_t row_bytes = static_cast<std::size_t>(dim_) * sizeof(float);
    return ArrayBytes::stored(
        known_.size() * row_bytes,
        [this, drawn, row_bytes](std::size_t offset, std::size_t count, unsigned char* out) {
          std::vector<float> row(static_cast<std::size_t>(dim_));
          while (count > 0) {
            const std::size_t i = offset / row_bytes, begin = offset % row_bytes,
                              taken = std::min(count, row_bytes - begin);
            if (known_[i] >= 0) {
              saved_->read(known_[i], row.data());
            } else if (mean_[i] >= 0) {
              std::copy_n(&means_[static_cast<std::size_t>(mean_[i] * dim_)], dim_, row.begin());
            } else {
              drawn.read(i * row_bytes, row_bytes, row.data());
            }
            std::memcpy(out, reinterpret_cast<const unsigned char*>(row.data()) + begin, taken);
            out += taken;
            offset += taken;
            count -= taken;
          }
        });
  }

 private:
  std::int64_t dim_;
  const SavedPrototypes* saved_ = nullptr;
  std::vector<std::int64_t> known_;  // [identities] row in the checkpoint, or -1
  std::vector<std::int64_t> mean_;   // [identities] row of means_, or -1
  std::vector<float> means_;
};

void carry_margins(const NamedArrays& checkpoint, const std::vector<std::int64_t>& known,
                   NamedArrays& state) {
  if (!checkpoint.has(kMargins) || !state.has(kMargins)) return;
  const auto theirs = checkpoint.get<double>(kMargins);
  auto ours = state.get<double>(kMargins);
  for (std::size_t i = 0; i < ours.size() && i < known.size(); ++i) {
    if (known[i] >= 0 && static_cast<std::size_t>(known[i]) < theirs.size())
      ours[i] = theirs[static_cast<std::size_t>(known[i])];
  }
  state.put(kMargins, ours);
}

void replace_network(const Backbone& network, NamedArrays& state) {
  for (auto item = state.arrays.lower_bound(kNetwork);
       item != state.arrays.end() && item->first.rfind(kNetwork, 0) == 0;) {
    item = state.arrays.erase(item);
  }
  save_module(network, kNetwork, state);
}

ArrayBytes zeros(std::size_t size) {
  return ArrayBytes::stored(size, [](std::size_t, std::size_t count, unsigned char* out) {
    std::fill_n(out, count, std::uint8_t{0});
  });
}

}  // namespace

WarmStart warm_start(const RunConfig& config, const FaceDataset& dataset, Trainer& trainer) {
  const std::string& path = config.start.from;
  NamedArrays state =
      trainer.save();  // the generator's state among it, from which the network below is drawn
  Source source = open_source(path, config.backbone);
  replace_network(*source.network, state);

  const ArrayBytes drawn = state.at(kWeight).bytes;
  StartRows rows(dataset, state.at(kWeight).shape.at(1));
  std::optional<SavedPrototypes> saved;
  std::vector<std::int64_t> known;
  if (source.checkpoint && config.start.prototypes == "carry") {
    try {
      saved.emplace(*source.checkpoint, source.config.optimizer.momentum,
                    source.config.optimizer.weight_decay);
      known = known_rows(dataset, *source.checkpoint);
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("start.from: {}: {}", path, error.what()));
    }
    carry_margins(*source.checkpoint, known, state);
    rows.carry(std::move(known), *saved);
  }
  if (config.start.prototypes != "random") {
    const std::vector<std::int64_t> others = rows.not_carried();
    source.network->to(at::Device(config.train.device));
    if (!others.empty()) {
      rows.start_at_means(others, identity_means(*source.network, dataset, others,
                                                 config.start.images_per_identity, config.data));
    }
  }

  // Views of the trainer's own memory would be copied onto themselves.
  for (auto& [name, array] : state.arrays) {
    if (name != kWeight && name != kVelocity) array.bytes = array.bytes.to_vector();
  }
  state.arrays[kVelocity].bytes = zeros(drawn.size());
  state.arrays[kWeight].bytes = rows.bytes(drawn);
  trainer.restore(state);
  return rows.counts();
}

}  // namespace aface
