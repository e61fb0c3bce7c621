#include "services/gateway/path_pattern.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace market::gateway {
namespace {

TEST(PathPattern, MatchesAsSpringDoes) {
  struct Case {
    const char *pattern, *path;
    bool matches;
  };
  const Case cases[] = {
      {"/a/**", "/a", true},
      {"/a/**", "/a/", true},
      {"/a/**", "/a/b/c", true},
      {"/a/**", "/ab", false},
      {"/a/**", "/", false},
      {"/**", "/anything/at/all", true},
      {"/a", "/a", true},
      {"/a", "/a/", false},
      {"/a/{id}", "/a/7", true},
      {"/a/{id}", "/a/7/b", false},
      {"/a/{id}", "/a/", false},
      {"/a/{id}/b", "/a/7/b", true},
      {"/a/*/b/**", "/a/x/b/y", true},
      {"/a/*.png", "/a/x.png", true},
      {"/a/*.png", "/a/x.jpg", false},
      {"/a/x*y*z", "/a/xyyyz", true},
      {"/a/x*y*z", "/a/xzzz", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(PathPattern(c.pattern).matches(c.path), c.matches) << c.pattern << " " << c.path;
}

TEST(PathPattern, RefusesWhatItCannotMean) {
  for (const char* pattern : {"", "a/b", "/**/b", "/a/{", "/a/}", "/a/{}", "/a/{id", "/a/{id}.png",
                              "/a/x{id}", "/a/{{id}}", "/a/{a}{b}", "/{a b}/c"})
    EXPECT_THROW(PathPattern{pattern}, std::invalid_argument) << pattern;
}

TEST(PathPattern, IsBroughtIntoTheFormOfWhatItIsComparedWith) {
  EXPECT_TRUE(PathPattern("/%61/x%7ey/**").matches("/a/x~y/z"));
  EXPECT_TRUE(PathPattern("/a//b/./c").matches("/a/b/c"));
  EXPECT_TRUE(PathPattern("/\xEC\x83\x81/{id}").matches("/%EC%83%81/7")) << "as every client sends it";
  EXPECT_TRUE(PathPattern("/Shop/{id}").matches_folded("/shop/a"));
  EXPECT_FALSE(PathPattern("/Shop/{id}").matches("/shop/a"));
  for (const char* pattern : {"/a;x/b", "/a%2fb", "/../a", "/a%5cb", "/a%00"})
    EXPECT_THROW(PathPattern{pattern}, std::invalid_argument) << pattern << " could never be matched";
}

TEST(InternalPath, IsFoundInEveryWriting) {
  for (const char* path :
       {"/metrics", "/METRICS/x", "/%6detrics", "/info;x=y", "/eureka/apps", "/actuator", "/%256detrics",
        "/metrics%3fx", "/INTERNAL%23", "/metrics%20", "/%20info/x", "/%20/info", "/info%2520"})
    EXPECT_TRUE(is_internal_path(path)) << path;
  for (const char* path : {"/", "/metricsx", "/api/metrics", "/information", "/%20/api", "/%20", "/in%20fo"})
    EXPECT_FALSE(is_internal_path(path)) << path;
}

TEST(PathPattern, KnowsWhereItCanMatchAtAll) {
  for (const char* may : {"/**", "/{any}/v1/x", "/ap*/x", "/api/**", "/api/v1/**", "/api/v1/x", "/api/{v}/x"})
    EXPECT_TRUE(PathPattern(may).may_match_below("/api/v1/")) << may;
  for (const char* never : {"/img/**", "/api/v2/{x}", "/api/v1", "/apis/**", "/b*/v1/x"})
    EXPECT_FALSE(PathPattern(never).may_match_below("/api/v1/")) << never;
}

}  // namespace
}  // namespace market::gateway
