#pragma once

#include <cstdint>
#include <string_view>

namespace aface {

// CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected, as in RFC 3720) of the bytes; "123456789" gives
// 0xE3069283.
std::uint32_t crc32c(std::string_view bytes);

// As TensorFlow's record files store it, so that a checksum over data that hold checksums stays meaningful:
// rotated right by 15, plus 0xa282ead8.
std::uint32_t masked_crc32c(std::string_view bytes);

}  // namespace aface
