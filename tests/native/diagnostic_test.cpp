#include "diagnostic.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace {

std::string shown(const std::string& hex_text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < hex_text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex_text.substr(i, 2), nullptr, 16)));
  }
  return reprise::diagnostic(bytes);
}

}  // namespace

TEST_CASE("items read as in RFC 8949, appendix A") {
  CHECK(shown("00") == "0");
  CHECK(shown("1818") == "24");
  CHECK(shown("1bffffffffffffffff") == "18446744073709551615");
  CHECK(shown("3bffffffffffffffff") == "-18446744073709551616");
  CHECK(shown("3903e7") == "-1000");
  CHECK(shown("f90000") == "0.0");
  CHECK(shown("f98000") == "-0.0");
  CHECK(shown("f93c00") == "1.0");
  CHECK(shown("fb3ff199999999999a") == "1.1");
  CHECK(shown("f97bff") == "65504.0");
  CHECK(shown("fa47c35000") == "100000.0");
  CHECK(shown("fa7f7fffff") == "3.4028234663852886e+38");
  CHECK(shown("fb7e37e43c8800759c") == "1.0e+300");
  CHECK(shown("f90001") == "5.960464477539063e-8");
  CHECK(shown("f90400") == "0.00006103515625");
  CHECK(shown("fbc010666666666666") == "-4.1");
  CHECK(shown("f97c00") == "Infinity");
  CHECK(shown("f97e00") == "NaN");
  CHECK(shown("f9fc00") == "-Infinity");
  CHECK(shown("f4") == "false");
  CHECK(shown("f7") == "undefined");
  CHECK(shown("c249010000000000000000") == "2(h'010000000000000000')");
  CHECK(shown("62225c") == R"("\"\\")");
  CHECK(shown("64f0908591") == "\"𐅑\"");
  CHECK(shown("8301820203820405") == "[1, [2, 3], [4, 5]]");
  CHECK(shown("a26161016162820203") == R"({"a": 1, "b": [2, 3]})");
  CHECK(shown("d90102820102") == "258([1, 2])");
}

TEST_CASE("what a reader could not see is escaped") {
  CHECK(shown("63000a7f") == R"("\u0000\n\u007f")");
  CHECK(shown("66c2a0e2808b61") == R"("\u00a0\u200ba")");
}
