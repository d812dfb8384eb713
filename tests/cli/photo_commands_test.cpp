// Photos in: align and embed with a face detector, on pictures in which a made network finds faces where they
// are blue.
#include <cmath>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/core/file_writer.h"
#include "aface/data/photo_writer.h"
#include "aface/image/align.h"
#include "aface/image/image_file.h"
#include "aface/io/npy.h"
#include "aface/io/tar.h"
#include "aface/io/text_list.h"
#include "aface/nn/model_file.h"
#include "aface/recognise/model_writer.h"
#include "tests/cli/adaptiveface.h"
#include "tests/detect/placed_faces.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::expect_failure;
using test::run_adaptiveface;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kWidth = 64, kHeight = 96, kChip = 32;

struct PhotoCommands : ::testing::Test {
  void SetUp() override {
    BackboneOptions options;
    options.kind = "tiny_cnn";
    options.input_size = kChip;
    options.embedding_dim = 8;
    const auto network = make_backbone(options);
    NamedArrays arrays;
    save_module(*network, "", arrays);
    const ModelCard card = card_for(options);
    write_whole_model(dir.file("m.safetensors"), arrays, card);

    std::vector<Face> faces(2);
    for (int f = 0; f < 2; ++f) {
      Face& face = faces[static_cast<std::size_t>(f)];
      face.box = {5.0 + 20 * f, 20.0 + 30 * f, 40.0 - 20 * f, 40.0 - 20 * f};
      for (std::size_t k = 0; k < 5; ++k)
        face.landmarks[k] = {card.alignment[k].x + 5 + 20 * f, card.alignment[k].y + 20 + 30 * f};
      face.score = f == 0 ? 1 : 0.8;
    }
    detector = dir.write("yunet.onnx", test::network_with_faces(faces, kWidth, kHeight));
    put("a/two.png", 255, 1);
    put("a/none.png", 0, 2);
    put("b/one.png", 215, 3);
    put("b/two.png", 255, 4);
  }
  void put(const std::string& name, int blue, int pattern) {
    Image photo(kWidth, kHeight);
    for (std::size_t i = 0; i < photo.pixels.size(); ++i) {
      const std::size_t pixel = i / 3;
      photo.pixels[i] =
          static_cast<std::uint8_t>(i % 3 == 2 ? blue : pixel * static_cast<std::size_t>(pattern) % 251);
    }
    const auto png = encode_png(photo);
    dir.write("photos/" + name, {png.begin(), png.end()});
  }
  std::vector<std::string> embed(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"embed",     "--model", dir.file("m.safetensors"),
                                    "--threads", "1",       dir.file("photos")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<nlohmann::json> json_lines(const std::string& name) const {
    std::vector<nlohmann::json> rows;
    for (const std::string& line : split_lines(read_text_file(dir.file(name))))
      rows.push_back(nlohmann::json::parse(line));
    return rows;
  }
  static std::vector<std::string> paths(const std::vector<nlohmann::json>& rows) {
    std::vector<std::string> all;
    for (const auto& row : rows) all.push_back(row["path"]);
    return all;
  }
  test::TempDir dir;
  std::string detector;
};

TEST_F(PhotoCommands, PhotosAndTheirAlignedChipsGiveTheSameEmbeddings) {
  const auto aligned =
      run_adaptiveface({"align", "--detector", detector, dir.file("photos"), dir.file("chips"), "--size",
                        "32", "--format", "png", "--many", "all"});
  ASSERT_EQ(aligned.exit_code, 0) << aligned.err;
  EXPECT_THAT(aligned.out, HasSubstr("written 5  left out 1  "));
  EXPECT_THAT(aligned.err, HasSubstr("a/none.png: no face was found"));

  auto result =
      run_adaptiveface(embed({"--detector", detector, "--many", "all", "--out", dir.file("photos.jsonl"),
                              "--batch-size", "2", "--workers", "3", "--bad-list", dir.file("bad.tsv")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto rows = json_lines("photos.jsonl");
  EXPECT_THAT(paths(rows), ElementsAre("a/two.png", "a/two.png", "b/one.png", "b/two.png", "b/two.png"));
  EXPECT_EQ(rows[1]["face"], 2);
  EXPECT_NEAR(rows[1]["box"][2].get<double>(), 20, 0.01);
  EXPECT_EQ(rows[0]["model"].get<std::string>().size(), 64u);
  EXPECT_EQ(read_text_file(dir.file("bad.tsv")), "photo\treason\na/none.png\tno face was found\n");

  result = run_adaptiveface({"embed", "--model", dir.file("m.safetensors"), "--images", dir.file("chips"),
                             "--out", dir.file("chips.npy")});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const NpyMatrix chips = read_npy_matrix(dir.file("chips.npy"));
  EXPECT_THAT(read_text_list(dir.file("chips.txt")),
              ElementsAre("a/two_1.png", "a/two_2.png", "b/one_1.png", "b/two_1.png", "b/two_2.png"));
  ASSERT_EQ(chips.rows, 5);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto found = rows[i]["embedding"].get<std::vector<float>>();
    double difference = 0, length = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      difference += std::pow(found[k] - chips.view().row(i)[k], 2);
      length += std::pow(found[k], 2);
    }
    EXPECT_LT(difference, 1e-8 * length) << "row " << i;
  }
}

TEST_F(PhotoCommands, NamesOfAMatrixSayWhichFace) {
  const auto result = run_adaptiveface(
      embed({"--detector", detector, "--none", "centre-crop", "--out", dir.file("e.npy"), "--normalize"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::vector<std::string> lines = split_lines(read_text_file(dir.file("e.txt")));
  EXPECT_EQ(lines[0], "a/none.png") << "no face: the middle";
  EXPECT_EQ(lines[1], "a/two.png\t1\t5.00\t20.00\t40.00\t40.00\t1.0000");
  EXPECT_EQ(read_npy_matrix(dir.file("e.npy")).rows, 4);
}

TEST_F(PhotoCommands, PackedPhotosAndSinglePhotosAreTaken) {
  PhotoWriterOptions packed;
  packed.kind = "rec";
  packed.path = dir.file("faces.rec");
  packed.identity_names = {"0"};
  const auto writer = make_photo_writer(packed);
  for (const char* name : {"photos/b/two.png", "photos/a/two.png"})
    writer->add(0, read_binary_file(dir.file(name)), name);
  (void)writer->finish();
  const auto embeddings = [&](const std::string& place) {
    const auto result = run_adaptiveface({"embed", "--model", dir.file("m.safetensors"), place, "--detector",
                                          detector, "--out", dir.file("x.jsonl")});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json_lines("x.jsonl");
  };
  const auto of_rec = embeddings(packed.path), of_one = embeddings(dir.file("photos/a/two.png"));
  EXPECT_THAT(paths(of_rec), ElementsAre("#1", "#2"));
  EXPECT_THAT(paths(of_one), ElementsAre("two.png"));
  for (std::size_t k = 0; k < 8; ++k) {  // in batches of two and of one
    EXPECT_NEAR(of_rec[1]["embedding"][k].get<float>(), of_one[0]["embedding"][k].get<float>(), 1e-5);
  }
}

TEST_F(PhotoCommands, AnArchiveOfPhotosIsTakenInItsOrderAndPhotosAreKnownByTheirBytes) {
  {
    FileWriter archive(dir.file("photos.tar"));
    for (const char* name : {"b/two.png", "a/two.png", "b/one.png"})
      write_tar_member(archive, name, read_binary_file(dir.file(std::string("photos/") + name)));
    write_tar_end(archive);
    archive.commit();
  }
  const std::vector<std::string> model = {
      "--model", dir.file("m.safetensors"), "--detector", detector, "--threads", "1"};
  const auto run = [&](std::vector<std::string> call, const std::vector<std::string>& more) {
    call.insert(call.end(), model.begin(), model.end());
    call.insert(call.end(), more.begin(), more.end());
    const auto result = run_adaptiveface(call);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  };
  run({"embed", dir.file("photos.tar")}, {"--out", dir.file("e.jsonl")});
  EXPECT_THAT(paths(json_lines("e.jsonl")),
              ElementsAre("photos.tar/b/two.png", "photos.tar/a/two.png", "photos.tar/b/one.png"));

  const auto first =
      run({"enrol", "--gallery", dir.file("g"), "--images", dir.file("photos")}, {"--person-is-folder"});
  EXPECT_THAT(first.out, HasSubstr("3 photos enrolled, 0 were known; 2 new people"));
  EXPECT_THAT(first.err, HasSubstr("left out: " + dir.file("photos") + "/a/none.png: no face was found"));
  const auto again =
      run({"enrol", "--gallery", dir.file("g"), "--images", dir.file("photos.tar")}, {"--person-is-folder"});
  EXPECT_THAT(again.out, HasSubstr("0 photos enrolled, 3 were known; 0 new people"));
  const auto who = run({"identify", "--gallery", dir.file("g")},
                       {"--many", "all", dir.file("photos/b/two.png"), dir.file("photos/a/two.png")});
  EXPECT_THAT(who.out, HasSubstr("photos/b/two.png\t1\tb\t1.0000"));
  EXPECT_THAT(who.out, HasSubstr("photos/b/two.png#2\t1\t"));
  EXPECT_THAT(who.out, HasSubstr("photos/a/two.png\t1\ta\t1.0000"));
  expect_failure({"enrol", "--gallery", dir.file("g"), "--images", dir.file("photos"), "--model",
                  dir.file("m.safetensors"), "--detector", detector, "--none", "fail", "--person-is-folder"},
                 3, "a/none.png: no face was found");
}

TEST_F(PhotoCommands, WrongUseHasOneLine) {
  const std::string photos = dir.file("photos"), out = dir.file("out");
  expect_failure({"align", "--detector", dir.file("none.onnx"), photos, out}, 3,
                 "github.com/opencv/opencv_zoo");
  expect_failure({"align", "--detector", dir.file("m.safetensors"), photos, out}, 3,
                 "OpenCV cannot read it as ONNX");
  expect_failure({"align", photos, out}, 2, "--out is required");
  expect_failure({"align", "--detector", detector, photos, out, "more"}, 2, "'more' is one place too many");
  expect_failure({"align", "--many", "all", photos, "l.txt", out}, 2, "--detector");
  expect_failure({"align", "--detector", detector, photos, out, "--none", "fail"}, 3,
                 "a/none.png: no face was found");
  expect_failure(embed({"--detector", detector, "--none", "fail", "--out", dir.file("e.npy")}), 3,
                 "no face was found");
  EXPECT_FALSE(file_exists(dir.file("e.npy")));
  EXPECT_FALSE(file_exists(dir.file("e.txt")));
  expect_failure(embed({"--out", dir.file("e.jsonl"), "--out-list", dir.file("l.txt")}), 2, "--out-list");
  expect_failure(embed({"--out", dir.file("e.npy"), "--bad-list", dir.file("e.npy")}), 2, "--bad-list");
}

}  // namespace
}  // namespace aface
