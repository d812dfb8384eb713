#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/io/npy.h"
#include "aface/io/text_list.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

nlohmann::json read_json(const std::string& path) { return nlohmann::json::parse(read_text_file(path)); }

// Four people with two images each. Everybody's images point one way but for Dan's second one, which is
// Ann's.
struct FourPeople : ::testing::Test {
  void SetUp() override {
    names = {"Ann_0001.jpg", "Ann_0002.jpg", "Bob_0001.jpg", "Bob_0002.jpg",
             "Cid_0001.jpg", "Cid_0002.jpg", "Dan_0001.jpg", "Dan_0002.jpg"};
    rows.assign(8 * 4, 0.0F);
    for (std::size_t i = 0; i < 8; ++i) rows[i * 4 + i / 2] = 2;
    rows[7 * 4 + 3] = 0;
    rows[7 * 4 + 0] = 5;
    write();
    // The list of the embeddings has folders, the protocol's has not.
    std::string text;
    for (const std::string& name : names) text += name.substr(0, 3) + "/" + name + "\n";
    list = dir.write("e.txt", text);
  }
  void write() const { write_npy_matrix(dir.file("e.npy"), {rows.data(), 8, 4}); }
  std::vector<std::string> with_source(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--embeddings", dir.file("e.npy"), "--list", list});
    return arguments;
  }
  test::TempDir dir;
  std::vector<std::string> names;
  std::vector<float> rows;
  std::string list;
};

struct EvaluateBlufr : FourPeople {
  void SetUp() override {
    FourPeople::SetUp();
    std::string images, labels;
    for (std::size_t i = 0; i < 8; ++i) {
      images += names[i] + "\n";
      labels += std::to_string(i / 2 + 1) + "\n";
    }
    dir.write("lists/image_list.txt", images);
    dir.write("lists/labels.txt", labels);
    const auto set = [&](const std::vector<int>& indices) {
      std::string text = std::to_string(indices.size()) + "\n";
      for (const int i : indices) text += std::to_string(i) + ", " + names[std::size_t(i - 1)] + "\n";
      return text;
    };
    // Trial 1: everybody, Ann and Dan enrolled. Trial 2: Ann, Bob and Cid, Ann enrolled.
    dir.write("lists/test_set.txt", "2\n" + set({1, 2, 3, 4, 5, 6, 7, 8}) + set({1, 2, 3, 4, 5, 6}));
    dir.write("lists/gallery_set.txt", "2\n" + set({1, 7}) + set({1}));
    dir.write("lists/probe_set.txt", "2\n" + set({2, 3, 4, 5, 6, 8}) + set({2, 3, 4, 5, 6}));
  }
};

// Trial 1 has 4 genuine pairs (1, 1, 1, 0) and 24 impostor pairs, two of them 1 (Dan's second image with
// Ann's). At FAR 0.1, k = round(2.4) = 2: threshold 1, VR 3/4. Trial 2: all 3 genuine pairs are 1, all 12
// impostors 0, k = 1: T = 0 and VR 1. Identification at FAR 0.25: trial 1 has 4 impostor probes at 0, k = 1,
// T = 0: Ann is found, Dan's probe scores 0 and ranks second. Trial 2: T = 0, Ann is found.
TEST_F(EvaluateBlufr, GivesTheNumbersWorkedOutByHand) {
  const auto result = test::run_adaptiveface(
      with_source({"evaluate", "blufr", "--lists", dir.file("lists"), "--far", "0.1", "--identification-far",
                   "0.25", "--json", dir.file("r.json"), "--bootstrap", "10"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = read_json(dir.file("r.json"));
  EXPECT_EQ(json["protocol"], "blufr");
  EXPECT_EQ(json["vr_at_far"]["0.1"]["trials"], (std::vector<double>{0.75, 1}));
  EXPECT_EQ(json["vr_at_far"]["0.1"]["mean"], 0.875);
  EXPECT_NEAR(json["vr_at_far"]["0.1"]["std"].get<double>(), 0.25 / std::sqrt(2.0), 1e-12);
  EXPECT_EQ(json["dir_at_far_rank1"]["0.25"]["trials"], (std::vector<double>{0.5, 1}));
  EXPECT_EQ(json["trials"][0]["genuine_pairs"], 4);
  EXPECT_EQ(json["trials"][0]["impostor_pairs"], 24);
  EXPECT_EQ(json["trials"][1]["non_mated_probes"], 4);
  EXPECT_THAT(result.out, HasSubstr("VR@FAR 0.1"));
}

TEST_F(EvaluateBlufr, DefaultTargetsThatCannotBeMeasuredAreSaidToBeSo) {
  const auto result =
      test::run_adaptiveface(with_source({"evaluate", "blufr", "--lists", dir.file("lists")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("vr_at_far/0.001: needs 1,000 impostor pairs"));
  EXPECT_THAT(result.out, Not(HasSubstr("VR@FAR 0.001")));
}

TEST_F(EvaluateBlufr, BadInputIsNamed) {
  const std::vector<std::string> command = {"evaluate", "blufr", "--lists", dir.file("lists")};
  test::expect_failure({"evaluate", "blufr", "--lists", dir.file("none"), "--embeddings", "e", "--list", "l"},
                       3, "none/image_list.txt");
  dir.write("e.txt", "Ann_0001.jpg\n");
  test::expect_failure(with_source(command), 3, "1 names but");
  FourPeople::SetUp();
  rows[8] = std::numeric_limits<float>::quiet_NaN();
  write();
  test::expect_failure(with_source(command), 3, "Bob_0001.jpg");
  auto tolerant = with_source(command);
  tolerant.insert(tolerant.end(), {"--bad-embeddings", "no-match"});
  EXPECT_EQ(test::run_adaptiveface(tolerant).exit_code, 0);
}

// Ann enrolled; Ann's second image and both of Bob's are searched.
TEST_F(FourPeople, IdentificationGivesTheNumbersWorkedOutByHand) {
  dir.write("gallery.tsv", "Ann_0001.jpg\tAnn\nDan_0001.jpg\tDan\n");
  dir.write("probes.tsv", "Ann_0002.jpg\tAnn\nDan_0002.jpg\tDan\nBob_0001.jpg\tBob\nBob_0002.jpg\tBob\n");
  const auto result = test::run_adaptiveface(with_source(
      {"evaluate", "identification", "--gallery", dir.file("gallery.tsv"), "--probes", dir.file("probes.tsv"),
       "--fpir", "0.5", "0.01", "--json", dir.file("r.json"), "--bootstrap", "0"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = read_json(dir.file("r.json"));
  EXPECT_EQ(json["rank1"], 0.5);
  EXPECT_EQ(json["cmc"], (nlohmann::json{{0, 1}, {0.5, 1.0}}));
  EXPECT_EQ(json["dir_at_fpir_rank1"]["0.5"], 0.5);
  EXPECT_FALSE(json["dir_at_fpir_rank1"].contains("0.01"));
  EXPECT_THAT(result.out, HasSubstr("dir_at_fpir/0.01"));
  test::expect_failure(with_source({"evaluate", "identification", "--gallery", dir.file("gallery.tsv"),
                                    "--probes", dir.file("gallery.tsv")}),
                       3, "is listed already");
}

// The same people as MegaFace probes, with two distractors: one near Bob at 0.8, one near nobody.
struct EvaluateMegaface : FourPeople {
  void SetUp() override {
    FourPeople::SetUp();
    dir.write("probes.json",
              R"({"path": ["Ann_0001.jpg", "Ann_0002.jpg", "Bob_0001.jpg", "Bob_0002.jpg", "Cid_0001.jpg",
      "Cid_0002.jpg", "Dan_0001.jpg", "Dan_0002.jpg"], "id": ["Ann", "Ann", "Bob", "Bob", "Cid", "Cid", "Dan", "Dan"]})");
    dir.write("distractors.json", R"({"path": ["1/a.jpg", "1/b.jpg"]})");
    const std::vector<float> others = {0, 0.8F, 0, 0.6F, 1, 1, 1, 1};
    write_npy_matrix(dir.file("d.npy"), {others.data(), 2, 4});
    for (std::size_t i = 0; i < 8; ++i) feature("p/" + names[i] + "_x.bin", rows.data() + 4 * i);
    feature("d/1/a.jpg_x.bin", others.data());
    feature("d/1/b.jpg_x.bin", others.data() + 4);
  }
  void feature(const std::string& path, const float* values) const {
    const std::int32_t header[4] = {4, 1, 4, 5};
    std::string bytes(32, '\0');
    std::memcpy(bytes.data(), header, 16);
    std::memcpy(bytes.data() + 16, values, 16);
    dir.write(path, bytes);
  }
  std::vector<std::string> arguments(std::vector<std::string> more) const {
    more.insert(more.begin(), {"evaluate", "megaface", "--probe-list", dir.file("probes.json"),
                               "--distractor-list", dir.file("distractors.json")});
    return more;
  }
};

// Eight trials. Dan's two images have cosine 0; each of them meets a distractor above that. The others find
// their mate at cosine 1. Genuine pairs 1, 1, 1, 0 against 16 impostor pairs.
TEST_F(EvaluateMegaface, MatricesAndFeatureFilesGiveTheNumbersWorkedOutByHand) {
  const auto by_matrix = arguments({"--probe-features", dir.file("e.npy"), "--distractor-features",
                                    dir.file("d.npy"), "--far", "0.1", "1e-6", "--json", dir.file("m.json")});
  const auto by_files =
      arguments({"--probe-features", dir.file("p"), "--distractor-features", dir.file("d"), "--suffix",
                 "_x.bin", "--far", "0.1", "1e-6", "--json", dir.file("f.json")});
  for (const auto& command : {by_matrix, by_files}) {
    const auto result = test::run_adaptiveface(command);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("raw set: 8 probes of 4 people against 2 distractors"));
    EXPECT_THAT(result.out, HasSubstr("needs 1,000,000 impostor pairs"));
  }
  const auto json = read_json(dir.file("m.json"));
  EXPECT_EQ(json["set"], "raw");
  EXPECT_EQ(json["rank1"], 0.75);
  EXPECT_EQ(json["identification_trials"], 8);
  EXPECT_EQ(json["tar_at_far"], (nlohmann::json{{"0.1", 0.75}}));
  auto other = read_json(dir.file("f.json"));
  for (const char* key : {"rank1", "cmc", "roc", "tar_at_far", "figures"})
    EXPECT_EQ(json[key], other[key]) << key;
}

TEST_F(EvaluateMegaface, RefinedResultsAreLabelled) {
  dir.write("noise/facescrub_noises.txt", "Dan_0002.jpg\n");
  dir.write("noise/megaface_noises.txt", "# none of ours\n1/a.jpg\n");
  const auto result = test::run_adaptiveface(
      arguments({"--probe-features", dir.file("e.npy"), "--distractor-features", dir.file("d.npy"),
                 "--noise-lists", dir.file("noise"), "--json", dir.file("r.json")}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      HasSubstr("refined set (insightface rule, 1 noisy probes replaced, 1 noisy distractors silenced)"));
  const auto json = read_json(dir.file("r.json"));
  EXPECT_EQ(json["set"], "refined");
  EXPECT_EQ(json["rank1"], 1.0);
}

TEST_F(EvaluateMegaface, SeveralListsAreEachEvaluated) {
  dir.write("one.json", R"({"path": ["1/b.jpg"]})");
  auto command = arguments({dir.file("one.json"), "--probe-features", dir.file("e.npy"),
                            "--distractor-features", dir.file("d.npy"), "--json", dir.file("r.json")});
  const auto result = test::run_adaptiveface(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = read_json(dir.file("r.json"));
  EXPECT_EQ(json["distractors"], 2);
  EXPECT_EQ(json["lists"][dir.file("one.json")]["distractors"], 1);
}

TEST_F(EvaluateMegaface, BadInputIsNamed) {
  const auto fails = [&](const std::vector<std::string>& more, const std::string& part) {
    test::expect_failure(arguments(more), 3, part);
  };
  const std::string probes = dir.file("e.npy");
  dir.write("d/1/b.jpg_x.bin", "short");
  fails({"--probe-features", probes, "--distractor-features", dir.file("d"), "--suffix", "_x.bin"},
        "1/b.jpg_x.bin");
  fails({"--probe-features", probes, "--distractor-features", dir.file("d"), "--suffix", "_y.bin"},
        "1/a.jpg_y.bin");
  fails({"--probe-features", probes, "--distractor-features", probes}, "8 rows but");
  const std::vector<float> bad = {0, 0, 0, 0, 1, 1, 1, 1};
  write_npy_matrix(dir.file("d.npy"), {bad.data(), 2, 4});
  fails({"--probe-features", probes, "--distractor-features", dir.file("d.npy")},
        "1 of 2 embeddings are zero or not finite: '1/a.jpg'");
  write_npy_matrix(dir.file("d.npy"), {bad.data(), 2, 3});
  fails({"--probe-features", probes, "--distractor-features", dir.file("d.npy")},
        "rows of 3 values but probes of 4");
  dir.write("probes.json", R"({"path": ["a", "b"]})");
  fails({"--probe-features", probes, "--distractor-features", dir.file("d.npy")}, "no \"id\" for the paths");
}

}  // namespace
}  // namespace aface
