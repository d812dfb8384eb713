#include "aface/synth/synthetic_faces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/pair_list.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

SynthOptions small_set() {
  SynthOptions options;
  options.identities = 5;
  options.images = 40;
  options.label_noise = 0.2;
  options.heldout_identities = 4;
  options.heldout_images = 5;
  options.pairs = 40;
  options.size = 32;
  return options;
}

// Every file below a folder with its bytes.
std::map<std::string, std::string> tree_of(const std::string& folder) {
  std::map<std::string, std::string> tree;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) tree[fs::relative(entry.path(), folder)] = read_text_file(entry.path());
  }
  return tree;
}

std::vector<std::vector<std::string>> rows_of(const std::string& path) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream text(read_text_file(path));
  for (std::string line; std::getline(text, line);) {
    std::istringstream fields(line);
    rows.emplace_back();
    for (std::string field; std::getline(fields, field, '\t');) rows.back().push_back(field);
  }
  return rows;
}

TEST(WriteSyntheticFaces, SameOptionsGiveTheSameBytesOnAnyNumberOfThreads) {
  const test::TempDir folder;
  write_synthetic_faces(small_set(), folder.file("one"), 1);
  write_synthetic_faces(small_set(), folder.file("two"), 2);
  const auto one = tree_of(folder.file("one"));
  EXPECT_EQ(one.size(), 40u + 20u + 4u);
  EXPECT_EQ(one, tree_of(folder.file("two")));
}

TEST(WriteSyntheticFaces, AnotherSeedGivesOtherPeople) {
  const test::TempDir folder;
  SynthOptions options = small_set();
  options.label_noise = 0;
  write_synthetic_faces(options, folder.file("one"), 2);
  options.seed = 2;
  write_synthetic_faces(options, folder.file("two"), 2);
  const auto one = tree_of(folder.file("one/heldout/images"));
  for (const auto& [path, bytes] : tree_of(folder.file("two/heldout/images")))
    EXPECT_NE(one.at(path), bytes) << path;
}

TEST(WriteSyntheticFaces, ListTruthAndFoldersAgree) {
  const test::TempDir folder;
  const auto report = write_synthetic_faces(small_set(), folder.file("set"), 2);
  EXPECT_EQ(report.images, 40);
  EXPECT_EQ(report.noisy_images, 8);
  EXPECT_FALSE(report.reused);
  const SyntheticFacesPaths paths(folder.file("set"));
  const auto list = rows_of(paths.train_list), truth = rows_of(paths.truth);
  ASSERT_EQ(list.size(), 40u);
  ASSERT_EQ(truth.size(), 41u);
  EXPECT_EQ(std::vector<std::string>(truth[0].begin(), truth[0].begin() + 4),
            (std::vector<std::string>{"path", "label", "identity", "noisy"}));
  int noisy = 0;
  std::set<std::string> on_disk;
  for (const auto& [path, bytes] : tree_of(paths.train_images)) on_disk.insert(path);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto& row = truth[i + 1];
    ASSERT_EQ(row.size(), truth[0].size());
    EXPECT_EQ(list[i], (std::vector<std::string>{row[0], row[1]}));
    EXPECT_EQ(row[3] == "1", row[1] != row[2]);
    noisy += row[3] == "1" ? 1 : 0;
    EXPECT_EQ(row[0].substr(0, row[0].find('/')), row[1]);
    EXPECT_EQ(on_disk.erase(row[0]), 1u) << row[0];
  }
  EXPECT_EQ(noisy, 8);
  EXPECT_TRUE(on_disk.empty());
}

TEST(WriteSyntheticFaces, PhotosDecodeAndPairsFindThem) {
  const test::TempDir folder;
  write_synthetic_faces(small_set(), folder.file("set"), 2);
  const SyntheticFacesPaths paths(folder.file("set"));
  const PairList pairs = read_lfw_pairs(paths.heldout_pairs);
  EXPECT_EQ(pairs.pairs.size(), 40u);
  for (const auto& path : pairs.paths) {
    const Image image = read_image(paths.heldout_images + "/" + path).value();
    EXPECT_EQ(image.width, 32);
    EXPECT_EQ(image.height, 32);
  }
}

TEST(WriteSyntheticFaces, WithoutHeldOutPeopleThereIsNoVerificationSet) {
  const test::TempDir folder;
  SynthOptions options = small_set();
  options.heldout_identities = 0;
  const auto report = write_synthetic_faces(options, folder.file("set"), 1);
  EXPECT_EQ(report.pairs, 0);
  EXPECT_FALSE(fs::exists(folder.file("set/heldout")));
}

TEST(WriteSyntheticFaces, AnExistingFolderIsRefusedUnlessItIsTheVerySet) {
  const test::TempDir folder;
  const std::string out = folder.file("set");
  write_synthetic_faces(small_set(), out, 1);
  const auto before = tree_of(out);
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { write_synthetic_faces(small_set(), out, 1); }),
              AllOf(HasSubstr(out), HasSubstr("exists")));

  const auto report = write_synthetic_faces(small_set(), out + "/", 1, ExistingFaces::kReuse);
  EXPECT_TRUE(report.reused);
  EXPECT_EQ(report.noisy_images, 8);

  SynthOptions harder = small_set();
  harder.hardness = 0.75;
  EXPECT_THAT(test::error_of(ErrorKind::kUsage,
                             [&] { write_synthetic_faces(harder, out, 1, ExistingFaces::kReuse); }),
              HasSubstr("hardness 0.5, asked for 0.75"));
  EXPECT_EQ(tree_of(out), before);
}

TEST(WriteSyntheticFaces, ForeignAndDamagedFoldersAreLeftAlone) {
  const test::TempDir folder;
  folder.write("foreign/notes.txt", "mine");
  const auto reuse = [&](const std::string& name) {
    write_synthetic_faces(small_set(), folder.file(name), 1, ExistingFaces::kReuse);
  };
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { reuse("foreign"); }), HasSubstr("synth.json"));
  EXPECT_EQ(tree_of(folder.file("foreign")).size(), 1u);
  for (const char* text : {"", "{", "[1]", "{\"options\": "}) {
    folder.write("damaged/synth.json", text);
    EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { reuse("damaged"); }), HasSubstr("synth.json"));
  }
  for (const char* text : {"{}", "{\"options\": 3, \"drawing_version\": \"x\"}"}) {
    folder.write("damaged/synth.json", text);
    EXPECT_THAT(test::error_of(ErrorKind::kUsage, [&] { reuse("damaged"); }), HasSubstr("damaged"));
  }
}

TEST(WriteSyntheticFaces, AnEmptyFolderIsFilled) {
  const test::TempDir folder;
  fs::create_directory(folder.file("set"));
  write_synthetic_faces(small_set(), folder.file("set"), 1);
  EXPECT_TRUE(fs::exists(folder.file("set/synth.json")));
}

TEST(WriteSyntheticFaces, AFailureLeavesNothingBehind) {
  const test::TempDir folder;
  const std::string file = folder.write("file", "not a folder");
  test::error_of(ErrorKind::kIo, [&] { write_synthetic_faces(small_set(), file + "/set", 1); });
  SynthOptions impossible = small_set();
  impossible.images = 3;
  test::error_of(ErrorKind::kUsage, [&] { write_synthetic_faces(impossible, folder.file("set"), 1); });
  EXPECT_EQ(tree_of(folder.path()).size(), 1u);
  EXPECT_FALSE(fs::exists(folder.file("set")));
}

}  // namespace
}  // namespace aface
