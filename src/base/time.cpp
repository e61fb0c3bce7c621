#include "base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

namespace market {
namespace {

Instant wall_now() {
  return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
}

/// Reads exactly `digits` decimal digits at `at`; -1 when they are not there.
int read_digits(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

/// 0…99.
void write_two_digits(char* out, int value) {
  out[0] = static_cast<char>('0' + value / 10 % 10);
  out[1] = static_cast<char>('0' + value % 10);
}

/// All that there were (IERS Bulletin C; RFC 3339 appendix D); none is announced. The years whose June and
/// December ended with one.
bool follows_a_leap_second(std::chrono::sys_seconds at) {
  constexpr std::array june{1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015};
  constexpr std::array december{1972, 1973, 1974, 1975, 1976, 1977, 1978, 1979,
                                1987, 1989, 1990, 1995, 1998, 2005, 2008, 2016};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  if (at != day || date.day() != std::chrono::day(1)) return false;
  const int year = static_cast<int>(date.year());
  if (date.month() == std::chrono::July) return std::find(june.begin(), june.end(), year) != june.end();
  return date.month() == std::chrono::January &&
         std::find(december.begin(), december.end(), year - 1) != december.end();
}

tl::unexpected<Error> not_a_time() {
  return fail(Code::validation, "not an RFC 3339 date-time");
}

}  // namespace

Millis since_boot() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return Millis(std::int64_t{at.tv_sec} * 1'000 + at.tv_nsec / 1'000'000);
}

SystemClock::SystemClock() : start_wall_(wall_now()), start_(since_boot()) {}

Instant SystemClock::now() const {
  return start_wall_ + (since_boot() - start_);
}

Millis SystemClock::wall_step() const {
  return wall_now() - now();
}

Instant WallClock::now() const {
  return wall_now();
}

std::string format_rfc3339(Instant at) {
  std::string text(rfc3339_length, '\0');
  format_rfc3339_to(at, text.data());
  return text;
}

void format_rfc3339_to(Instant at, char* out) {
  // A reply holds several times of one day: its text is kept per thread.
  thread_local struct {
    std::chrono::sys_days day = std::chrono::sys_days::max();
    std::array<char, 11> text;
  } date;
  const auto day = std::chrono::floor<std::chrono::days>(at);
  if (day != date.day) {
    const std::chrono::year_month_day calendar(day);
    const int year = static_cast<int>(calendar.year());
    write_two_digits(date.text.data(), year / 100);
    write_two_digits(date.text.data() + 2, year % 100);
    write_two_digits(date.text.data() + 5, static_cast<int>(static_cast<unsigned>(calendar.month())));
    write_two_digits(date.text.data() + 8, static_cast<int>(static_cast<unsigned>(calendar.day())));
    date.text[4] = date.text[7] = '-';
    date.text[10] = 'T';
    date.day = day;
  }
  std::memcpy(out, date.text.data(), date.text.size());
  const auto millis = static_cast<std::uint32_t>((at - day).count());  // Of the day: fits easily.
  const std::uint32_t seconds = millis / 1000, minutes = seconds / 60;
  write_two_digits(out + 11, static_cast<int>(minutes / 60));
  write_two_digits(out + 14, static_cast<int>(minutes % 60));
  write_two_digits(out + 17, static_cast<int>(seconds % 60));
  write_two_digits(out + 20, static_cast<int>(millis % 1000 / 10));
  out[13] = out[16] = ':';
  out[19] = '.';
  out[22] = static_cast<char>('0' + millis % 10);
  out[23] = 'Z';
}

Result<Instant> parse_rfc3339(std::string_view text) {
  const int year = read_digits(text, 0, 4), month = read_digits(text, 5, 2), day = read_digits(text, 8, 2);
  const int hour = read_digits(text, 11, 2), minute = read_digits(text, 14, 2),
            second = read_digits(text, 17, 2);
  if (year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60)
    return not_a_time();
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':')
    return not_a_time();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return not_a_time();
  std::size_t at = 19;
  int millis = 0;
  if (at < text.size() && text[at] == '.') {
    int scale = 100;
    const std::size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
      millis += (text[at] - '0') * scale;
    if (at == first) return not_a_time();
  }
  std::chrono::minutes offset{0};
  if (at < text.size() && (text[at] == 'Z' || text[at] == 'z')) {
    ++at;
  } else {
    const int oh = read_digits(text, at + 1, 2), om = read_digits(text, at + 4, 2);
    if (at + 6 != text.size() || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':' || oh < 0 ||
        oh > 23 || om < 0 || om > 59)
      return not_a_time();
    offset = std::chrono::minutes((oh * 60 + om) * (text[at] == '-' ? -1 : 1));
    at += 6;
  }
  if (at != text.size()) return not_a_time();
  const Instant instant(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                        std::chrono::minutes(minute) + std::chrono::seconds(second) + Millis(millis) -
                        offset);
  // The offset can lead out of the years that RFC 3339 can write.
  constexpr Instant first(std::chrono::sys_days(std::chrono::year(0) / 1 / 1).time_since_epoch());
  constexpr Instant end(std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1).time_since_epoch());
  // A leap second is taken as the first second behind it.
  if (second == 60 && !follows_a_leap_second(std::chrono::floor<std::chrono::seconds>(instant)))
    return not_a_time();
  if (instant < first || instant >= end) return not_a_time();
  return instant;
}

Result<Millis> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::int64_t scale = unit == "ms"  ? 1
                             : unit == "s" ? 1'000
                             : unit == "m" ? 60'000
                             : unit == "h" ? 3'600'000
                                           : 0;
  constexpr Millis duration_max = std::chrono::hours(10 * 366 * 24);  // Ten years.
  if (error != std::errc() || number < 0 || scale == 0 || number > duration_max.count() / scale)
    return fail(Code::validation, fmt::format("must be a duration such as 250ms, 3s, 10m or 24h, {} at most",
                                              format_duration(duration_max)));
  return Millis(number * scale);
}

std::string format_duration(Millis duration) {
  const auto count = duration.count();
  if (count % 1'000 != 0) return fmt::format("{}ms", count);
  if (count % 60'000 != 0 || count == 0) return fmt::format("{}s", count / 1'000);
  if (count % 3'600'000 != 0) return fmt::format("{}m", count / 60'000);
  return fmt::format("{}h", count / 3'600'000);
}

}  // namespace market
