#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/synth/montage.h"
#include "aface/synth/synthetic_faces.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

constexpr std::int64_t kMontageRows = 10;
constexpr std::int64_t kMontageColumns = 12;

struct SynthFlags {
  SynthOptions options;
  std::string out_dir;
  std::string montage;
  int threads = 0;
  bool reuse = false;
};

// One flag for each option: zipf_exponent becomes --zipf-exponent.
struct FlagMaker {
  CLI::App& app;

  template <class T>
  void field(const char* name, T& value, const FieldInfo& info) {
    std::string flag = std::string("--") + name;
    std::replace(flag.begin(), flag.end(), '_', '-');
    app.add_option(flag, value, info.doc)->capture_default_str();
  }
};

void write_montage(const SynthFlags& flags) {
  const Image montage = draw_montage(flags.options, std::min(kMontageRows, flags.options.identities),
                                     kMontageColumns, flags.threads);
  const auto bytes = encode_png(montage);
  write_file_atomically(flags.montage, [&](int descriptor) {
    write_all(descriptor, bytes.data(), bytes.size(), flags.montage);
  });
}

int run_synth(const SynthFlags& flags) {
  const auto report = write_synthetic_faces(flags.options, flags.out_dir, flags.threads,
                                            flags.reuse ? ExistingFaces::kReuse : ExistingFaces::kRefuse);
  if (!flags.montage.empty()) write_montage(flags);
  const SyntheticFacesPaths paths(flags.out_dir);
  fmt::print("{}: {}\n", flags.out_dir,
             report.reused ? "there already, made with the same options" : "drawn");
  fmt::print("training: {} photos of {} identities, {} to {} each, {} with a flipped label; {}\n",
             report.images, report.identities, report.smallest_class, report.largest_class,
             report.noisy_images, paths.train_list);
  if (report.heldout_identities > 0) {
    fmt::print("held out: {} photos of {} other identities, {} pairs; {}\n", report.heldout_images,
               report.heldout_identities, report.pairs, paths.heldout_pairs);
  }
  fmt::print("truth: {}\n", paths.truth);
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<SynthFlags>();
  app.add_option("out", flags->out_dir,
                 "folder to make: train/images and train/list.tsv, heldout/images and heldout/pairs.txt "
                 "(LFW's form), "
                 "truth.tsv, synth.json")
      ->required()
      ->type_name("OUT");
  FlagMaker maker{app};
  describe(maker, flags->options);
  app.add_option("--threads", flags->threads, "threads, 0: all cores; the photos do not depend on it")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--reuse", flags->reuse, "be content with a folder that was made with the same options");
  app.add_option("--montage", flags->montage,
                 fmt::format("also write this PNG: up to {} identities, {} photos of each", kMontageRows,
                             kMontageColumns))
      ->type_name("FILE.png");
  app.footer(
      "Draws people who do not exist, so that training, label noise and long tails can be tried where the "
      "truth is\n"
      "known. Same options, same bytes, whatever the number of threads.\n"
      "Example:  adaptiveface synth faces --identities 500 --images 10000 --label-noise 0.1 --montage "
      "faces.png");
  return [flags] { return run_synth(*flags); };
}

}  // namespace

Command synth_command() { return {"synth", "Draw a set of built-in faces whose truth is known", set_up}; }

}  // namespace aface
