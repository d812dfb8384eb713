#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "aface/core/span.h"
#include "aface/io/npy.h"
#include "tests/cli/adaptiveface.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::size_t kDim = 64, kPeople = 30, kStrangers = 10;

// Every person is a direction, every photo a noisy look at it.
struct GalleryCommands : ::testing::Test {
  void SetUp() override {
    Random random(4);
    std::vector<float> gallery, probes;
    std::string gallery_list, probe_list;
    for (std::size_t person = 0; person < kPeople + kStrangers; ++person) {
      std::vector<double> direction(kDim);
      for (double& value : direction) value = random.normal();
      const auto look = [&](std::vector<float>& rows) {
        for (const double value : direction)
          rows.push_back(static_cast<float>(3 * (value + 0.4 * random.normal())));
      };
      const std::string name = "p" + std::to_string(person);
      if (person < kPeople) {
        for (const char* photo : {"a", "b"}) {
          look(gallery);
          gallery_list += name + "/" + photo + ".jpg\t" + name + "\n";
        }
      }
      look(probes);
      probe_list += name + "/c.jpg\t" + name + "\n";
    }
    write_npy_matrix(dir.file("g.npy"), {gallery.data(), gallery.size() / kDim, kDim});
    write_npy_matrix(dir.file("p.npy"), {probes.data(), probes.size() / kDim, kDim});
    dir.write("g.tsv", gallery_list);
    dir.write("p.tsv", probe_list);
  }

  std::vector<std::string> arguments(const std::string& command,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {command, "--gallery", dir.file("g")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::vector<std::string> with_faces(const std::string& command, const std::string& faces,
                                      const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = arguments(command, {"--embeddings", dir.file(faces + ".npy"), "--list",
                                                       dir.file(faces + ".tsv"), "--model-digest", "abc"});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  test::RunResult run(const std::vector<std::string>& arguments) const {
    const test::RunResult result = test::run_adaptiveface(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  nlohmann::json json() const { return nlohmann::json::parse(read_text_file(dir.file("j.json"))); }

  test::TempDir dir;
};

TEST_F(GalleryCommands, EnrolledPeopleAreIdentifiedAndStrangersAreNot) {
  EXPECT_THAT(run(with_faces("enrol", "g")).out,
              HasSubstr("60 photos enrolled, 0 were known; 30 new people"));
  EXPECT_THAT(run(with_faces("enrol", "g", {"--json", dir.file("j.json")})).out,
              HasSubstr("0 photos enrolled, 60 were known"));
  EXPECT_EQ(json()["people"], kPeople);

  const auto result =
      run(with_faces("identify", "p", {"--threshold", "0.6", "--top", "3", "--json", dir.file("j.json")}));
  EXPECT_THAT(result.out, StartsWith("photo\trank\tperson\tscore\tverdict\np0/c.jpg\t1\tp0\t0."));
  EXPECT_EQ(json()["rank1"], 1.0);
  EXPECT_EQ(json()["found"], 1.0);
  EXPECT_EQ(json()["false_alarms"], 0.0);
  EXPECT_EQ(json()["answers"].size(), kPeople + kStrangers);
  for (std::size_t i = 0; i < kPeople + kStrangers; ++i) {
    const auto answer = json()["answers"][i];
    EXPECT_EQ(answer["verdict"], i < kPeople ? "match" : "unknown");
    EXPECT_EQ(answer["people"].size(), 3u);
    EXPECT_GE(answer["people"][0]["score"], answer["people"][1]["score"]);
  }
  EXPECT_THAT(result.err, HasSubstr("false alarms 0.00 %"));
}

TEST_F(GalleryCommands, AnApproximateIndexTellsItsRecallOnRequest) {
  run(with_faces("enrol", "g"));
  for (const std::string index : {"hnsw", "ivf"}) {
    const auto result = run(with_faces(
        "identify", "p",
        {"--approximate-above", "50", "--index", index, "--recall", "--json", dir.file("j.json")}));
    EXPECT_EQ(json()["method"], index);
    EXPECT_GE(json()["recall"]["first"], 0.5);
    EXPECT_THAT(result.err, HasSubstr("recall against the exact search"));
  }
  run(with_faces("identify", "p", {"--approximate-above", "50", "--exact", "--json", dir.file("j.json")}));
  EXPECT_EQ(json()["method"], "exact");
}

TEST_F(GalleryCommands, ClaimsAreVerified) {
  run(with_faces("enrol", "g"));
  run(with_faces("verify", "p", {"--person", "p3", "--threshold", "0.6", "--json", dir.file("j.json")}));
  for (std::size_t i = 0; i < json().size(); ++i)
    EXPECT_EQ(json()[i]["verdict"], i == 3 ? "same" : "different") << i;
  test::expect_failure(with_faces("verify", "p"), 3, "nobody is enrolled as 'p30' (of p30/c.jpg)");
}

TEST_F(GalleryCommands, SomebodyEnrolledUnderTwoNamesShowsUp) {
  run(with_faces("enrol", "g"));
  dir.write("twin.tsv", [] {
    std::string list;
    for (std::size_t i = 0; i < kPeople + kStrangers; ++i)
      list += "x\t" + std::string(i == 7 ? "twin" : "p") + std::to_string(i) + "\n";
    return list;
  }());
  std::filesystem::copy(dir.file("p.npy"), dir.file("twin.npy"));
  run(with_faces("enrol", "twin"));
  const auto result = run(arguments("search", {"--person", "twin7", "--top", "2", "--recall"}));
  EXPECT_THAT(result.out, StartsWith("rank\tperson\tscore\n1\tp7\t0.8"));
  test::expect_failure(arguments("search", {"--person", "nobody"}), 3, "nobody is enrolled as 'nobody'");
}

TEST_F(GalleryCommands, RemovedPeopleAreGone) {
  run(with_faces("enrol", "g"));
  EXPECT_THAT(run(arguments("list", {"--person", "p5"})).out, HasSubstr("\tp5/b.jpg\n"));
  EXPECT_THAT(run(arguments("remove", {"--person", "p5", "--person", "p6"})).out,
              HasSubstr("removed 'p5', 2 photos"));
  const auto list = run(arguments("list", {"--check", "--json", dir.file("j.json")}));
  EXPECT_THAT(list.out, HasSubstr("p4\t2\n"));
  EXPECT_THAT(list.out, ::testing::Not(HasSubstr("p5\t")));
  EXPECT_EQ(json()["counts"]["people"], kPeople - 2);
  run(with_faces("identify", "p", {"--threshold", "0.6", "--json", dir.file("j.json")}));
  EXPECT_EQ(json()["answers"][5]["verdict"], "unknown");
  test::expect_failure(arguments("remove", {"--person", "p5"}), 3, "nobody is enrolled as 'p5'");
}

TEST_F(GalleryCommands, WrongUseIsNamed) {
  test::expect_failure(arguments("list"), 3, "check the path");
  EXPECT_FALSE(file_exists(dir.file("g")));
  run(with_faces("enrol", "g"));
  auto other = with_faces("identify", "p");
  other.back() = "other";
  test::expect_failure(other, 3, "belongs to model abc");
  test::expect_failure(arguments("identify"), 2, "give one source of faces");
  test::expect_failure(arguments("identify", {"--embeddings", dir.file("p.npy")}), 2, "needs --list");
  test::expect_failure(arguments("enrol", {"--model", dir.file("m"), "--images", dir.path()}), 2,
                       "who is on the photos");
  test::expect_failure(with_faces("identify", "p", {"--far", "0.01"}), 2, "--far needs --model");
  test::expect_failure(with_faces("identify", "p", {"--far", "0.01", "--threshold", "0.5"}), 2, "--far");
  // Neither below nor above any bound.
  for (const char* flag : {"--threshold", "--recall-target", "--far"}) {
    test::expect_failure(with_faces("identify", "p", {flag, "nan"}), 2, "nan not in range");
  }
  dir.write("p.tsv", "a\tb\n");
  test::expect_failure(with_faces("identify", "p"), 3, "1 names but");
}

}  // namespace
}  // namespace aface
