#include <fmt/core.h>

#include <set>

#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

struct RemoveFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::vector<std::string> people;
};

int run_remove(const RemoveFlags& flags) {
  Gallery gallery = Gallery::open(flags.gallery->path, flags.gallery->options());
  for (const std::string& person : std::set<std::string>(flags.people.begin(), flags.people.end())) {
    const std::int64_t photos = gallery.remove(person);
    fmt::print("{}: removed '{}', {} photos\n", flags.gallery->path, person, photos);
  }
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<RemoveFlags>();
  flags->gallery = add_gallery_flags(app);
  app.add_option("--person", flags->people, "who is taken out; may be given several times")->required();
  app.footer(
      "Each person goes in one transaction, and with it every trace of name, photos' digests and embeddings "
      "in the files of the\n"
      "gallery: their bytes are overwritten. Copies of the file, and what the disk below the file system "
      "keeps, are not reached.\n"
      "Example:  adaptiveface remove --gallery staff.gallery --person Ada");
  return [flags] { return run_remove(*flags); };
}

}  // namespace

Command remove_command() { return {"remove", "Take people out of a gallery, without a trace", set_up}; }

}  // namespace aface
