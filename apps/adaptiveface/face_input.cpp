#include "apps/adaptiveface/face_input.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/eval/scores.h"
#include "aface/io/identity_list.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "aface/recognise/photo_embedder.h"

namespace aface {
namespace {

constexpr std::size_t kPhotosAtOnce = 256;

Error usage(const std::string& what) { return Error(ErrorKind::kUsage, what); }

std::string folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().filename().string();
  if (folder.empty()) {
    throw Error(ErrorKind::kData,
                fmt::format("'{}' lies in no folder (expected PERSON/PHOTO with --person-is-folder)", path));
  }
  return folder;
}

bool first_line_has_tab(const std::string& list) {
  const std::string text = read_text_file(list);
  return text.substr(0, text.find('\n')).find('\t') != std::string::npos;
}

// Names of the photos and, where they are told, the people on them.
FaceInput read_names(const FaceInputFlags& flags, Identities identities) {
  FaceInput faces;
  // Said before folders are walked through.
  if (identities == Identities::kNeeded && flags.list.empty() && !flags.person_is_folder) {
    throw usage("who is on the photos? Give --person-is-folder, or a --list with the person after a tab");
  }
  const bool list_has_people =
      !flags.list.empty() && !flags.person_is_folder && first_line_has_tab(flags.list);
  if (list_has_people) {
    for (IdentityRow& row : read_identity_list(flags.list)) {
      faces.names.push_back(std::move(row.path));
      faces.identities.push_back(std::move(row.identity));
    }
    return faces;
  }
  faces.names = !flags.list.empty()    ? read_text_list(flags.list)
                : !flags.files.empty() ? flags.files
                                       : list_images(flags.images);
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
  FaceInput faces = read_names(flags, identities);
  NpyMatrix matrix = read_npy_matrix(flags.embeddings);
  if (matrix.rows != static_cast<std::int64_t>(faces.size())) {
    throw Error(
        ErrorKind::kData,
        fmt::format("{}: {} names but {} has {} rows (expected one name a row); use the list that was "
                    "written with the embeddings",
                    flags.list, faces.size(), flags.embeddings, matrix.rows));
  }
  faces.model = {flags.model_digest, static_cast<std::size_t>(matrix.dim)};
  const std::vector<double> lengths = embedding_norms(matrix.view(), faces.names);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    float* row = matrix.values.data() + i * faces.model.dim;
    faces.photos.push_back(sha256(row, faces.model.dim * sizeof(float)));
    for (std::size_t k = 0; k < faces.model.dim; ++k) row[k] = static_cast<float>(row[k] / lengths[i]);
  }
  faces.values = std::move(matrix.values);
  return faces;
}

// The faces of a photo, and its name by its bytes.
struct ReadPhoto {
  Sha256::Value digest{};
  std::vector<FaceChip> faces;
  std::optional<Error> error;
};

ReadPhoto read_photo(const std::string& path, const FaceCutter& cutter) {
  ReadPhoto photo;
  try {
    const std::vector<unsigned char> bytes = read_binary_file(path);
    photo.digest = sha256(bytes.data(), bytes.size());
    photo.faces = cutter.cut(bytes, path).value();
  } catch (const Error& error) {
    photo.error = error;
  }
  return photo;
}

PhotoEmbedderOptions embedder_options(const DetectFlags& flags) {
  PhotoEmbedderOptions options;
  options.detector = flags.detector;
  options.detect = flags.options;
  options.many = many_faces_from(flags.many);
  options.takes_middle_without_face = flags.none == "centre-crop";
  return options;
}

// The faces that could be read; other photos are reported, or end the command.
class PhotoFaces {
 public:
  PhotoFaces(const FaceInputFlags& flags, const Recogniser& recogniser, FaceInput& out)
      : flags_(flags),
        recogniser_(recogniser),
        cutter_(make_cutter(recogniser.card(), embedder_options(*flags.detect))),
        out_(out) {}

  // Photos [first, last) of `all`.
  void add(const FaceInput& all, std::size_t first, std::size_t last) {
    std::vector<ReadPhoto> photos(last - first);
    parallel_for(static_cast<std::int64_t>(photos.size()), 4, flags_.threads,
                 [&](std::int64_t begin, std::int64_t end) {
                   for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                     const std::string& name = all.names[first + i];
                     photos[i] =
                         read_photo(flags_.images.empty() ? name : flags_.images + "/" + name, cutter_);
                   }
                 });
    std::vector<Image> chips;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      if (photos[i].error) leave_out(*photos[i].error);
      for (std::size_t face = 0; face < photos[i].faces.size(); ++face) {
        chips.push_back(std::move(photos[i].faces[face].chip));
        out_.photos.push_back(photos[i].digest);
        out_.names.push_back(all.names[first + i] + (face == 0 ? "" : fmt::format("#{}", face + 1)));
        if (!all.identities.empty()) out_.identities.push_back(all.identities[first + i]);
      }
    }
    const std::size_t before = out_.values.size();
    out_.values.resize(before + chips.size() * out_.model.dim);
    if (!chips.empty()) recogniser_.embed(chips, out_.values.data() + before);
  }
  std::int64_t left_out() const { return left_out_; }

 private:
  void leave_out(const Error& error) {
    const bool is_faceless = error.kind() == ErrorKind::kData && !flags_.detect->detector.empty();
    if ((is_faceless ? flags_.detect->none : flags_.on_bad_image) == "fail") throw error;
    log_warning("photos", "left out: {}", error.what());
    ++left_out_;
  }

  const FaceInputFlags& flags_;
  const Recogniser& recogniser_;
  FaceCutter cutter_;
  FaceInput& out_;
  std::int64_t left_out_ = 0;
};

FaceInput embed_photos(const FaceInputFlags& flags, Identities identities) {
  const FaceInput all = read_names(flags, identities);
  const Recogniser recogniser = Recogniser::open(flags.model, {flags.threads});
  FaceInput faces;
  faces.model = {recogniser.digest(), static_cast<std::size_t>(recogniser.dim())};
  faces.card = recogniser.card();
  PhotoFaces photos(flags, recogniser, faces);
  for (std::size_t first = 0; first < all.size(); first += kPhotosAtOnce) {
    throw_if_stopped();
    photos.add(all, first, std::min(all.size(), first + kPhotosAtOnce));
  }
  if (photos.left_out() > 0) log_warning("photos", "{} of {} were left out", photos.left_out(), all.size());
  return faces;
}

}  // namespace

std::shared_ptr<FaceInputFlags> add_face_input_flags(CLI::App& app) {
  auto flags = std::make_shared<FaceInputFlags>();
  app.add_option("--model", flags->model, "model file (.safetensors) that makes the embeddings");
  app.add_option("--images", flags->images,
                 "folder of the photos, or of aligned face chips without --detector");
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
  if (!flags.embeddings.empty()) return read_embeddings(flags, identities);
  if (flags.images.empty() == flags.files.empty())
    throw usage("--model needs --images, a folder, or photos by name, not both");
  if (!flags.files.empty() && !flags.list.empty())
    throw usage("--list goes with --images, not with photos by name");
  return embed_photos(flags, identities);
}

}  // namespace aface
