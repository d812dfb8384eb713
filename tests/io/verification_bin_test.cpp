#include "aface/io/verification_bin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "aface/core/file.h"
#include "aface/core/random.h"
#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const test::TempDir& folder() {
  static const test::TempDir dir;
  return dir;
}

VerificationBin read_bytes(const std::string& bytes) {
  return parse_verification_bin({bytes.begin(), bytes.end()}, "set.bin");
}

std::vector<std::string> images_of(const VerificationBin& set) {
  std::vector<std::string> texts;
  for (const auto& image : set.images) texts.emplace_back(image.begin(), image.end());
  return texts;
}

template <std::size_t N>
std::string bytes_of(const char (&text)[N]) {
  return std::string(text, N - 1);
}

// ([b"ab", b"c", b"ab", b"d"], [True, False]) as each protocol writes it, opcode by opcode.
const std::string kProtocol2OfPython2 = bytes_of(
    "\x80\x02]q\x01(U\x02"
    "abq\x02U\x01"
    "cq\x03h\x02T\x01\x00\x00\x00"
    "dq\x04"
    "e]q\x05(\x88\x89"
    "e\x86q\x06.");
const std::string kProtocol4 = bytes_of(
    "\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00]\x94(C\x02"
    "ab\x94"
    "C\x01"
    "c\x94h\x01"
    "C\x01"
    "d\x94"
    "e]\x94(\x88\x89"
    "e\x86\x94.");

TEST(VerificationBin, ReadsTheStringsOfPython2AndTheBytesOfPython3) {
  for (const std::string& bytes : {kProtocol2OfPython2, kProtocol4}) {
    const VerificationBin set = read_bytes(bytes);
    EXPECT_THAT(images_of(set), ElementsAre("ab", "c", "ab", "d"));
    EXPECT_THAT(set.same, ElementsAre(1, 0));
  }
}

TEST(VerificationBin, BytesThatPython3WroteInProtocol2AreLatin1) {
  // _codecs.encode('\x80a', 'latin1'), the text in UTF-8; then the same object again.
  const VerificationBin set =
      read_bytes(bytes_of("\x80\x02](c_codecs\nencode\nX\x03\x00\x00\x00\xc2\x80"
                          "aX\x06\x00\x00\x00latin1\x86Rq\x01h\x01"
                          "e]K\x01"
                          "a\x86."));
  EXPECT_THAT(images_of(set), ElementsAre("\x80"
                                          "a",
                                          "\x80"
                                          "a"));
}

// One image array and one flag of numpy, in its forms of protocol 2 (numpy 1) and protocol 5 (numpy 2).
const std::string kNumpyType = bytes_of(
    "cnumpy\ndtype\nq\x0cU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb");
const std::string kNumpyArray = bytes_of(
                                    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01"
                                    "b\x87R(K\x01K\x03\x85") +
                                kNumpyType + bytes_of("\x89U\x03\x01\x02\x03tb");
const std::string kNumpyTrue = bytes_of(
    "cnumpy.core.multiarray\nscalar\nh\x0cU\x02"
    "b1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbU\x01\x01\x86R");
const std::string kNumpy1 =
    bytes_of("\x80\x02](") + kNumpyArray + "q\x0dh\x0d" + "e]" + kNumpyTrue + "a\x86.";
const std::string kNumpy2 = bytes_of(
    "\x80\x05](\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93\x94("
    "\x96\x03\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03"
    "\x8c\x05numpy\x8c\x05"
    "dtype\x93\x94\x8c\x02u1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    "K\x03K\x01\x86\x8c\x01"
    "CtR\x94h\x02"
    "eh\x00(C\x01\x01h\x01\x8c\x02"
    "b1\x89\x88\x87R(K\x03\x8c\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbK\x01\x85\x8c\x01"
    "CtR\x86.");

TEST(VerificationBin, ReadsArraysOfNumpy) {
  for (const std::string& bytes : {kNumpy1, kNumpy2}) {
    const VerificationBin set = read_bytes(bytes);
    EXPECT_THAT(images_of(set), ElementsAre("\x01\x02\x03", "\x01\x02\x03"));
    EXPECT_THAT(set.same, ElementsAre(1));
  }
}

TEST(VerificationBin, NamesOfCodeAreRefusedAndNothingRuns) {
  const std::string witness = folder().file("witness");
  const std::string command = "touch " + witness;
  const std::string attack = bytes_of("\x80\x02") + "cos\nsystem\nU" + static_cast<char>(command.size()) +
                             command + bytes_of("\x85R.");
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read_bytes(attack); }),
              HasSubstr("set.bin@2: the name 'os.system' stands for code, which is never run"));
  EXPECT_FALSE(file_exists(witness));
  EXPECT_THAT(test::error_of(ErrorKind::kFormat,
                             [&] { read_bytes(bytes_of("\x80\x04\x8c\x02os\x8c\x06system\x93.")); }),
              HasSubstr("'os.system'"));
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [&] { read_bytes(bytes_of("\x80\x02}.")); }),
              HasSubstr("set.bin@2: opcode 0x7d is not one that data need"));
}

TEST(VerificationBin, ContentThatIsNoSetIsNamed) {
  const auto message = [](const std::string& bytes) {
    return test::error_of(ErrorKind::kFormat, [&] { read_bytes(bytes); });
  };
  EXPECT_THAT(message("\x80\x02N."), HasSubstr("the pickle holds something else"));
  EXPECT_THAT(message("\x80\x02](U\x01"
                      "aU\x01"
                      "be](\x88\x89"
                      "e\x86."),
              HasSubstr("2 images for 2 flags (expected two images a flag)"));
  EXPECT_THAT(message("\x80\x02](U\x01"
                      "aNe](\x88"
                      "e\x86."),
              HasSubstr("image 1 is neither"));
  EXPECT_THAT(message("\x80\x02](U\x01"
                      "aU\x01"
                      "be](K\x02"
                      "e\x86."),
              HasSubstr("flag 0 is 2"));
  EXPECT_THAT(message("\x80\x02]]\x86."), HasSubstr("no pairs"));
  // What is shown of a file stays on one line.
  EXPECT_THAT(message(bytes_of("\x80\x02"
                               "cnumpy\ndtype\nU\x03\nu1\x85R.")),
              HasSubstr("numpy's type '?u1'"));
  EXPECT_THAT(message("\x80\x06N."), HasSubstr("no pickle of protocol 2 to 5"));
  EXPECT_THAT(message(kProtocol4 + "x"), HasSubstr("1 bytes follow the end"));
  EXPECT_THAT(message("\x80\x02" + std::string(100, '(') + "."),
              HasSubstr("@66: more than 64 open containers"));
  EXPECT_THAT(message(bytes_of("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.")),
              HasSubstr("18446744073709551615 bytes are promised but 1 are left"));
}

TEST(VerificationBin, EveryCutIsAFormatErrorAndNoFlippedByteDoesHarm) {
  for (const std::string& whole : {kProtocol2OfPython2, kProtocol4, kNumpy1, kNumpy2}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      test::error_of(ErrorKind::kFormat, [&] { read_bytes(whole.substr(0, size)); });
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::vector<char> others = {'\0', '\xff', '.', '(', 'e', 'h'};
      for (int bit = 0; bit < 8; ++bit) others.push_back(static_cast<char>(whole[at] ^ 1 << bit));
      for (const char other : others) {
        std::string damaged = whole;
        damaged[at] = other;
        try {
          const VerificationBin set = read_bytes(damaged);
          EXPECT_EQ(set.images.size(), 2 * set.same.size());
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
        }
      }
    }
  }
}

TEST(VerificationBin, RandomOpcodesDoNoHarm) {
  Random random(7);
  const std::string opcodes = bytes_of(
      "(]aett)\x85\x86\x87qh\x94"
      "cRbNK\x88\x89U\x01\x02\x93.\x8c");
  for (int round = 0; round < 20000; ++round) {
    std::vector<unsigned char> bytes = {0x80, 4};
    for (int i = 0; i < 30; ++i)
      bytes.push_back(static_cast<unsigned char>(
          opcodes[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(opcodes.size())))]));
    try {
      read_pickle(bytes, "random");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
    }
  }
}

// The same content as Python itself writes it.
TEST(VerificationBin, ReadsWhatPythonWrites) {
  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 here";
  const std::string script = folder().write("dump.py", R"(
import pickle, sys
a, b = bytes(range(256)) * 2, b'\xff\xd8\xff\x00'
for protocol in range(2, 6):
    with open('%s/p%d.bin' % (sys.argv[1], protocol), 'wb') as f:
        pickle.dump(([a, b] * 300, [True, False, True] * 100), f, protocol=protocol)
)");
  ASSERT_EQ(std::system(("python3 " + script + " " + folder().path()).c_str()), 0);
  std::string a;
  for (int i = 0; i < 512; ++i) a += static_cast<char>(i % 256);
  for (int protocol = 2; protocol <= 5; ++protocol) {
    const VerificationBin set = read_verification_bin(folder().file("p" + std::to_string(protocol) + ".bin"));
    ASSERT_EQ(set.images.size(), 600u) << protocol;
    const std::vector<std::string> images = images_of(set);
    for (std::size_t i = 0; i < images.size(); ++i)
      EXPECT_EQ(images[i], i % 2 == 0 ? a : std::string("\xff\xd8\xff\0", 4));
    for (std::size_t i = 0; i < set.same.size(); ++i) EXPECT_EQ(set.same[i], i % 3 != 1);
  }
}

TEST(VerificationBin, ReadsWhatNumpyWrites) {
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 with numpy here";
  const std::string script = folder().write("dump_arrays.py", R"(
import pickle, sys
import numpy as np
a = np.frombuffer(bytes(range(256)), dtype=np.uint8)
for protocol in range(2, 6):
    for name, flags in (('list', [np.bool_(True), np.bool_(False)]), ('array', np.array([1, 0])),
                        ('mask', np.array([True, False]))):
        with open('%s/%s%d.bin' % (sys.argv[1], name, protocol), 'wb') as f:
            pickle.dump(([a, a.reshape(-1, 1), a.copy(), b'x'], flags), f, protocol=protocol)
)");
  ASSERT_EQ(std::system(("python3 " + script + " " + folder().path()).c_str()), 0);
  std::string a;
  for (int i = 0; i < 256; ++i) a += static_cast<char>(i);
  for (int protocol = 2; protocol <= 5; ++protocol) {
    for (const char* name : {"list", "array", "mask"}) {
      const VerificationBin set =
          read_verification_bin(folder().file(name + std::to_string(protocol) + ".bin"));
      EXPECT_THAT(images_of(set), ElementsAre(a, a, a, "x")) << name << protocol;
      EXPECT_THAT(set.same, ElementsAre(1, 0)) << name << protocol;
    }
  }
}

void write_set(const std::string& path, const std::vector<std::string>& images,
               const std::vector<std::uint8_t>& same) {
  std::vector<unsigned char> bytes;
  write_verification_bin(path, same, [&](std::size_t i) {
    bytes.assign(images[i].begin(), images[i].end());
    return Span<const unsigned char>(bytes);
  });
}

TEST(VerificationBin, IsWrittenOpcodeByOpcode) {
  const std::string path = folder().file("written.bin");
  write_set(path, {"ab", std::string(256, 'x')}, {1});
  EXPECT_EQ(read_text_file(path), bytes_of("\x80\x02](U\x02"
                                           "abT\x00\x01\x00\x00") +
                                      std::string(256, 'x') + "e](\x88" + "e\x86.");
  EXPECT_TRUE(is_verification_bin(path));
}

TEST(VerificationBin, WhatIsWrittenIsReadHereAndByPython) {
  std::vector<std::string> images;
  std::vector<std::uint8_t> same;
  for (int i = 0; i < 2600; ++i) {  // more than a batch of Python's, sizes on both sides of 256
    images.push_back(std::string(static_cast<std::size_t>(1 + i % 300), static_cast<char>(i)));
    if (i % 2 == 0) same.push_back(i % 3 == 0);
  }
  const std::string path = folder().file("round.bin");
  write_set(path, images, same);
  const VerificationBin set = read_verification_bin(path);
  EXPECT_EQ(images_of(set), images);
  EXPECT_EQ(set.same, same);

  if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 here";
  const std::string script = folder().write("load.py", R"(
import pickle, sys
images, same = pickle.load(open(sys.argv[1], 'rb'), encoding='bytes')
assert images == [bytes([i % 256]) * (1 + i % 300) for i in range(2600)]
assert same == [i % 3 == 0 for i in range(0, 2600, 2)] and type(same[0]) is bool
)");
  EXPECT_EQ(std::system(("python3 " + script + " " + path).c_str()), 0);
}

TEST(VerificationBin, AnEmptyImageIsNotWritten) {
  const std::string path = folder().file("empty.bin");
  EXPECT_THAT(test::error_of(ErrorKind::kData,
                             [&] {
                               write_set(path, {"ab", ""}, {1});
                             }),
              HasSubstr("empty.bin: image 1 has 0 bytes"));
  EXPECT_FALSE(file_exists(path));
}

TEST(VerificationBin, PairsAreNeighboursAndEqualImagesAreOnePhoto) {
  const PairList list = pairs_of(read_bytes("\x80\x02](U\x01"
                                            "aU\x01"
                                            "bU\x01"
                                            "aU\x01"
                                            "cU\x01"
                                            "dU\x01"
                                            "eU\x01"
                                            "fU\x01"
                                            "de](\x88\x89\x88\x89"
                                            "e\x86."),
                                 "set.bin");
  EXPECT_EQ(list.folds, 2);
  EXPECT_EQ(list.paths[3], "set.bin#3");
  EXPECT_THAT(list.photos, ElementsAre(0, 1, 0, 3, 4, 5, 6, 4));
  EXPECT_EQ(list.pairs[3].first, 6);
  EXPECT_EQ(list.pairs[3].second, 7);
  EXPECT_FALSE(list.pairs[3].same_identity);
  EXPECT_THAT(test::error_of(ErrorKind::kFormat, [] { pairs_of(read_bytes(kNumpy1), "one.bin"); }),
              HasSubstr("one.bin: 1 pairs cannot be cut"));
}

TEST(VerificationBin, IsToldFromAListByItsFirstByte) {
  EXPECT_TRUE(is_verification_bin(folder().write("a", kProtocol4)));
  EXPECT_FALSE(is_verification_bin(folder().write("b", "10\t300\n")));
  EXPECT_FALSE(is_verification_bin(folder().write("c", "")));
  EXPECT_THROW(is_verification_bin(folder().file("nowhere")), Error);
}

}  // namespace
}  // namespace aface
