#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/evaluation_flags.h"
#include "apps/adaptiveface/gallery_flags.h"

namespace aface {
namespace {

using Json = nlohmann::ordered_json;

struct ListFlags {
  std::shared_ptr<GalleryFlags> gallery;
  std::string person;
  bool check = false;
  std::string json;
};

void list_people(Gallery& gallery, Json& json) {
  Json people = Json::array();
  fmt::print("person\tphotos\n");
  for (const GalleryIdentity& identity : gallery.identities()) {
    fmt::print("{}\t{}\n", identity.name, identity.photos);
    people.push_back({{"person", identity.name}, {"photos", identity.photos}});
  }
  json["people"] = people;
}

void list_photos(Gallery& gallery, const std::string& person, Json& json) {
  const std::vector<GalleryPhoto> all = gallery.photos(person);
  Json photos = Json::array();
  fmt::print("photo\tsha256\tsource\n");
  for (const GalleryPhoto& photo : all) {
    fmt::print("{}\t{}\t{}\n", photo.id, photo.digest, photo.source);
    photos.push_back({{"photo", photo.id}, {"sha256", photo.digest}, {"source", photo.source}});
  }
  json["person"] = person;
  json["photos"] = photos;
}

int run_list(const ListFlags& flags) {
  Gallery gallery = Gallery::open(flags.gallery->path, flags.gallery->options());
  if (flags.check) gallery.check();
  const GalleryCounts counts = gallery.counts();
  Json json = {{"gallery", flags.gallery->path},
               {"model", gallery.model().digest},
               {"dim", gallery.model().dim},
               {"counts", {{"people", counts.identities}, {"photos", counts.photos}}}};
  flags.person.empty() ? list_people(gallery, json) : list_photos(gallery, flags.person, json);
  fmt::print(stderr, "{}: {} people, {} photos, embeddings of {} values by model {}{}\n", flags.gallery->path,
             counts.identities, counts.photos, gallery.model().dim, gallery.model().digest,
             flags.check ? "; checked, sound" : "");
  if (!flags.json.empty()) write_file_atomically(flags.json, json.dump(2) + "\n");
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  auto flags = std::make_shared<ListFlags>();
  flags->gallery = add_gallery_flags(app);
  app.add_option("--person", flags->person, "list the photos of this person");
  app.add_flag("--check", flags->check, "read everything first and compare it with its checksums");
  add_json_flag(app, flags->json, "write the list to this file too");
  app.footer("Example:  adaptiveface list --gallery staff.gallery --check");
  return [flags] { return run_list(*flags); };
}

}  // namespace

Command list_command() { return {"list", "List the people of a gallery, or the photos of one", set_up}; }

}  // namespace aface
