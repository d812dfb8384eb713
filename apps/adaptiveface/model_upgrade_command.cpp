#include <fmt/core.h>

#include <memory>
#include <vector>

#include "aface/core/error.h"
#include "aface/model/model_file.h"
#include "aface/recognise/model_writer.h"
#include "apps/adaptiveface/model_commands.h"
#include "apps/adaptiveface/version.h"

namespace aface {
namespace {

struct UpgradeFlags {
  std::string weights, out;
  BackboneOptions network;
  std::string colour = "RGB", flip = "sum", recipe;
  std::vector<double> mean = {127.5}, scale = {127.5};
};

std::array<double, 3> per_channel(const std::vector<double>& values, const char* flag) {
  if (values.size() == 1) return {values[0], values[0], values[0]};
  if (values.size() == 3) return {values[0], values[1], values[2]};
  throw Error(ErrorKind::kUsage,
              fmt::format("{}: {} numbers (expected one, or one for each channel)", flag, values.size()));
}

ModelCard card_of(const UpgradeFlags& flags, const BackboneOptions& network) {
  ModelCard card = card_for(network);
  card.colour = flags.colour == "RGB" ? ColourOrder::kRgb : ColourOrder::kBgr;
  card.flip = flags.flip == "sum" ? FlipRule::kSum : FlipRule::kNone;
  card.mean = per_channel(flags.mean, "--mean");
  card.scale = per_channel(flags.scale, "--scale");
  card.recipe = flags.recipe;
  const std::string version = version_text();
  card.program = version.substr(0, version.find('\n'));
  return card;
}

int run(const UpgradeFlags& flags, bool is_network_given) {
  if (missing_parts(flags.weights).empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: nothing is missing; use it as it is", flags.weights));
  }
  const NamedArrays network = read_network(flags.weights);
  const BackboneOptions options = is_network_given ? flags.network : network_options(network, flags.weights);
  try {
    write_whole_model(flags.out, network, card_of(flags, options));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kIo) throw;
    throw Error(error.kind(), fmt::format("{}: {}", flags.weights, error.what()));
  }
  fmt::print("{}: written; thresholds are measured by 'adaptiveface model calibrate'\n", flags.out);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<UpgradeFlags>();
  app.add_option("WEIGHTS", flags->weights, "safetensors file with the weights of a network")->required();
  app.add_option("--out", flags->out, "the model file")->required();
  const CLI::Option* kind = app.add_option(
      "--kind", flags->network.kind, "the network, where the file does not say it; with the next three");
  app.add_option("--input-size", flags->network.input_size, "side of the chips in pixels")
      ->capture_default_str();
  app.add_option("--embedding-dim", flags->network.embedding_dim, "length of the embedding")
      ->capture_default_str();
  app.add_option("--width", flags->network.width, "small nets: channels of the first stage")
      ->capture_default_str();
  app.add_option("--colour", flags->colour, "order of the channels that the network was trained with")
      ->check(CLI::IsMember({"RGB", "BGR"}))
      ->capture_default_str();
  app.add_option("--mean", flags->mean,
                 "one number, or one a channel in that order: the network is fed (value - mean) / scale")
      ->expected(1, 3)
      ->capture_default_str();
  app.add_option("--scale", flags->scale, "likewise")->expected(1, 3)->capture_default_str();
  app.add_option("--flip", flags->flip, "embedding = f(x) + f(mirrored x), or f(x)")
      ->check(CLI::IsMember({"sum", "none"}))
      ->capture_default_str();
  app.add_option("--recipe", flags->recipe, "a note on how the network was trained");
  app.footer(
      "Adds what the use of the weights depends on: card, reference chip and digest. Defaults are those of "
      "our own\n"
      "training and of arcface_torch. Wrong ones are not found out: they make embeddings worse, nothing "
      "else.\n"
      "Example:  adaptiveface model upgrade backbone.safetensors --kind iresnet50 --out r50.safetensors");
  return [flags, kind] { return run(*flags, kind->count() > 0); };
}

}  // namespace

Command model_upgrade_command() {
  return {"upgrade", "Make a model file of weights alone: of older runs or other programs", set_up};
}

}  // namespace aface
