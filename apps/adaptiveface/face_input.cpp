#include "apps/adaptiveface/face_input.h"

#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/parallel.h"
#include "aface/data/photo_input.h"
#include "aface/io/identity_list.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "aface/recognise/embed_photos.h"
#include "aface/recognise/recogniser.h"
#include "apps/adaptiveface/unit_rows.h"
#include "apps/adaptiveface/unused_photos.h"

namespace aface {
namespace {

Error usage(const std::string& what) { return Error(ErrorKind::kUsage, what); }

std::string folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path().filename();
  if (folder.empty() || folder.extension() == ".tar") {  // a photo at the top of an archive
    throw Error(ErrorKind::kData,
                fmt::format("'{}' lies in no folder (expected PERSON/PHOTO with --person-is-folder)", path));
  }
  return folder.string();
}

bool first_line_has_tab(const std::string& list) {
  const std::string text = read_text_file(list);
  return text.substr(0, text.find('\n')).find('\t') != std::string::npos;
}

std::vector<std::string> names_of(const PhotoInput& input) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < input.count; ++i) names.push_back(input.photos->photo_name(i));
  return names;
}

// The names of the photos (those of --list, otherwise `names`) and, where they are told, the people on them.
FaceInput read_names(const FaceInputFlags& flags, Identities identities, std::vector<std::string> names) {
  FaceInput faces;
  const bool list_has_people =
      !flags.list.empty() && !flags.person_is_folder && first_line_has_tab(flags.list);
  if (list_has_people) {
    for (IdentityRow& row : read_identity_list(flags.list)) {
      faces.names.push_back(std::move(row.path));
      faces.identities.push_back(std::move(row.identity));
    }
    return faces;
  }
  faces.names = flags.list.empty() ? std::move(names) : read_text_list(flags.list);
  if (flags.person_is_folder) {
    for (const std::string& name : faces.names) faces.identities.push_back(folder_of(name));
  } else if (identities == Identities::kNeeded) {
    throw Error(
        ErrorKind::kData,
        flags.list + ": no people (expected one after a tab in each line); or give --person-is-folder");
  }
  return faces;
}

FaceInput read_embeddings(const FaceInputFlags& flags, Identities identities) {
  if (flags.list.empty()) throw usage("--embeddings needs --list, the names of its rows (embed writes both)");
  if (flags.model_digest.empty())
    throw usage("--embeddings needs --model-digest, which says whose embeddings they are");
  FaceInput faces = read_names(flags, identities, {});
  NpyMatrix matrix = read_npy_matrix(flags.embeddings);
  if (matrix.rows != static_cast<std::int64_t>(faces.size())) {
    throw Error(
        ErrorKind::kData,
        fmt::format("{}: {} names but {} has {} rows (expected one name a row); use the list that was "
                    "written with the embeddings",
                    flags.list, faces.size(), flags.embeddings, matrix.rows));
  }
  faces.model = {flags.model_digest, static_cast<std::size_t>(matrix.dim)};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    faces.photos.push_back(sha256(matrix.view().row(i), faces.model.dim * sizeof(float)));
  }
  scale_to_length_one(matrix.values.data(), faces.model.dim, faces.names);
  faces.values = std::move(matrix.values);
  return faces;
}

// The faces of the photos that could be read; others are reported, or end the command.
FaceInput embed_given_photos(const FaceInputFlags& flags, Identities identities) {
  std::optional<PhotoInput> place;
  if (flags.list.empty() && flags.files.empty()) place = open_photos(flags.images);
  const FaceInput told = read_names(flags, identities, place ? names_of(*place) : flags.files);
  const PhotoInput input = place ? *place : photos_at(flags.images, told.names);
  const auto recogniser = std::make_shared<const Recogniser>(Recogniser::open(flags.model, {flags.threads}));
  const FaceCutter cutter = make_cutter(recogniser->card(), embedder_options(*flags.detect));
  FaceInput faces;
  faces.model = {recogniser->digest(), static_cast<std::size_t>(recogniser->dim())};
  faces.card = recogniser->card();
  UnusedPhotos unused("photos", leave_out_rule(*flags.detect, flags.on_bad_image));
  EmbedPhotosOptions options;
  options.workers = flags.threads > 0 ? flags.threads : hardware_threads();
  options.digests = true;
  embed_photos(input, cutter, recogniser->dim(), embedding_by(recogniser), options,
               [&](const PhotoRows& photo) {
                 if (photo.error != nullptr) {
                   unused.add(input, photo.photo, *photo.error);
                   return;
                 }
                 const auto i = static_cast<std::size_t>(photo.photo);
                 for (std::size_t face = 0; face < photo.rows.rows; ++face) {
                   faces.names.push_back(told.names[i] + (face == 0 ? "" : fmt::format("#{}", face + 1)));
                   if (!told.identities.empty()) faces.identities.push_back(told.identities[i]);
                   faces.photos.push_back(photo.digest);
                   faces.values.insert(faces.values.end(), photo.rows.row(face),
                                       photo.rows.row(face) + photo.rows.dim);
                 }
               });
  unused.tell_number();
  scale_to_length_one(faces.values.data(), faces.model.dim, faces.names);
  return faces;
}

}  // namespace

std::shared_ptr<FaceInputFlags> add_face_input_flags(CLI::App& app) {
  auto flags = std::make_shared<FaceInputFlags>();
  app.add_option("--model", flags->model, "model file (.safetensors) that makes the embeddings");
  app.add_option(
      "--images", flags->images,
      "folder of the photos, a .tar, a .rec or a verification set (.bin); without --detector they are "
      "aligned face chips");
  app.add_option("PHOTO", flags->files, "photos by name, instead of a folder of them");
  app.add_option("--list", flags->list,
                 "photos, one a line, with the person after a tab where that is known");
  app.add_flag("--person-is-folder", flags->person_is_folder,
               "the person is the folder that the photo lies in");
  app.add_option("--on-bad-image", flags->on_bad_image,
                 "a photo that cannot be read: stop, or leave out and report")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
  flags->detect = add_detect_flags(app);
  app.add_option("--embeddings", flags->embeddings,
                 "instead of --model: embeddings that were made before, .npy, one row a photo");
  app.add_option("--model-digest", flags->model_digest,
                 "of the model that made --embeddings (see adaptiveface model info): a gallery holds those "
                 "of one model");
  app.add_option("--threads", flags->threads, "0: one per core")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  return flags;
}

FaceInput load_faces(const FaceInputFlags& flags, Identities identities) {
  if (flags.model.empty() == flags.embeddings.empty()) {
    throw usage(
        "give one source of faces: --model with --images or photos, or --embeddings with --list and "
        "--model-digest");
  }
  if (identities == Identities::kNeeded && flags.detect->many == "all") {
    throw usage("--many all: a photo shows one person here; take largest, centre or refuse");
  }
  // Said before folders are walked through.
  if (identities == Identities::kNeeded && flags.list.empty() && !flags.person_is_folder) {
    throw usage("who is on the photos? Give --person-is-folder, or a --list with the person after a tab");
  }
  if (!flags.embeddings.empty()) return read_embeddings(flags, identities);
  if (flags.images.empty() == flags.files.empty())
    throw usage("--model needs --images or photos by name, not both");
  if (!flags.files.empty() && !flags.list.empty())
    throw usage("--list goes with --images, not with photos by name");
  return embed_given_photos(flags, identities);
}

}  // namespace aface
