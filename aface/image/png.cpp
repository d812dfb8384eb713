#include "aface/image/png.h"

#include <fmt/core.h>
#include <png.h>

#include <csetjmp>
#include <cstddef>
#include <cstring>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr std::size_t kSizeOffset =
    16;  // width and height, big-endian, in the IHDR chunk that must come first

// What libpng's callbacks see.
struct Source {
  const unsigned char* next = nullptr;
  std::size_t left = 0;
  char message[128] = "";
};

// libpng reports errors by a jump, so between setjmp() and the jump no object with a destructor may be alive:
// the two functions that call libpng hold plain values only, and the reader is freed outside of them.
[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::strncpy(source->message, message, sizeof source->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}  // about optional chunks, which do not reach the pixels

void read_bytes(png_structp png, png_bytep out, std::size_t size) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (size > source->left) png_error(png, "cut short");
  std::memcpy(out, source->next, size);
  source->next += size;
  source->left -= size;
}

class Reader {
 public:
  explicit Reader(Span<const unsigned char> bytes) {
    source_.next = bytes.data();
    source_.left = bytes.size();
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source_, on_error, on_warning);
    AFACE_CHECK(png_ != nullptr, "no PNG decoder");
    info_ = png_create_info_struct(png_);
    png_set_read_fn(png_, &source_, read_bytes);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  // False after an error; message() says which.
  bool read_header();
  bool read_rows(std::uint8_t* pixels, std::size_t row_bytes);

  int width() const { return static_cast<int>(png_get_image_width(png_, info_)); }
  int height() const { return static_cast<int>(png_get_image_height(png_, info_)); }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  const char* message() const { return source_.message; }

 private:
  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;  // more than 1 when interlaced
};

bool Reader::read_header() {
  if (setjmp(png_jmpbuf(png_))) return false;
  png_read_info(png_, info_);
  png_set_palette_to_rgb(png_);
  png_set_expand_gray_1_2_4_to_8(png_);
  png_set_strip_16(png_);
  png_set_strip_alpha(png_);
  png_set_gray_to_rgb(png_);
  passes_ = png_set_interlace_handling(png_);
  png_read_update_info(png_, info_);
  return true;
}

bool Reader::read_rows(std::uint8_t* pixels, std::size_t row_bytes) {
  if (setjmp(png_jmpbuf(png_))) return false;
  const png_uint_32 rows = png_get_image_height(png_, info_);
  for (int pass = 0; pass < passes_; ++pass) {
    for (png_uint_32 y = 0; y < rows; ++y) png_read_row(png_, pixels + y * row_bytes, nullptr);
  }
  png_read_end(png_, nullptr);  // a file without its end is cut short
  return true;
}

std::uint32_t big_endian_u32(const unsigned char* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         bytes[3];
}

Error damaged(const std::string& place, const char* why) {
  return Error(ErrorKind::kFormat, fmt::format("{}: damaged or cut short PNG ({})", place, why));
}

}  // namespace

PngSize png_size(Span<const unsigned char> bytes) {
  if (bytes.size() < kSizeOffset + 8) return {};
  return {big_endian_u32(&bytes[kSizeOffset]), big_endian_u32(&bytes[kSizeOffset + 4])};
}

Result<Image> decode_png(Span<const unsigned char> bytes, const std::string& place, Image image) {
  Reader reader(bytes);
  if (!reader.read_header()) return damaged(place, reader.message());
  image.width = reader.width();
  image.height = reader.height();
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  AFACE_CHECK(reader.row_bytes() == row_bytes, "PNG rows of {} bytes", reader.row_bytes());
  image.pixels.resize(row_bytes * static_cast<std::size_t>(image.height));
  if (!reader.read_rows(image.pixels.data(), row_bytes)) return damaged(place, reader.message());
  return image;
}

std::vector<unsigned char> encode_png_pixels(const Image& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  std::vector<unsigned char> bytes(PNG_IMAGE_PNG_SIZE_MAX(header));
  png_alloc_size_t size = bytes.size();
  const int done =
      png_image_write_to_memory(&header, bytes.data(), &size, 0, image.pixels.data(), 0, nullptr);
  AFACE_CHECK(done != 0, "PNG encoder: {}", header.message);
  bytes.resize(size);
  return bytes;
}

}  // namespace aface
