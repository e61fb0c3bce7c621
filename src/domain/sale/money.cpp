#include "domain/sale/money.hpp"

#include <algorithm>

namespace market {
namespace {

// ISO 4217, list one of 2026-01, by the digits of the minor unit.
constexpr std::string_view no_digits = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
constexpr std::string_view two_digits =
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE "
    "SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR "
    "ZMW ZWG";
constexpr std::string_view three_digits = "BHD IQD JOD KWD LYD OMR TND";

bool is_listed(std::string_view list, std::string_view letters) {
  return list.find(letters) != std::string_view::npos;  // Blanks between: no code is found across two.
}

}  // namespace

Result<Currency> Currency::parse(std::string_view text) {
  const bool letters = std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (text.size() != 3 || !letters)
    return fail(Code::validation, "a currency is three capital letters, such as KRW");
  return Currency{{text[0], text[1], text[2]}};
}

std::optional<int> Currency::minor_digits() const {
  if (is_listed(no_digits, text())) return 0;
  if (is_listed(two_digits, text())) return 2;
  if (is_listed(three_digits, text())) return 3;
  return std::nullopt;
}

}  // namespace market
