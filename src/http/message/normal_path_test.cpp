#include "http/message/normal_path.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace market::http {
namespace {

TEST(NormalPath, IsTheOneFormOfMany) {
  const std::pair<const char*, const char*> cases[] = {
      {"/", "/"},
      {"/a/b", "/a/b"},
      {"/%61/%62", "/a/b"},
      {"/%41%5A%5f%2D%7e%2E%30", "/AZ_-~.0"},
      {"/a%c3%a9", "/a%C3%A9"},
      {"/a%20b%3bc", "/a%20b%3Bc"},
      {"//a///b", "/a/b"},
      {"/a//", "/a/"},
      {"/./a/./b/.", "/a/b/"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/a/%2e/b", "/a/b"},
      {"/a/...", "/a/..."},
      {"/a/..b/.c", "/a/..b/.c"},
      {"/a;x=y/b;z", "/a;x=y/b;z"},
      {"/a/b;/../c", "/a/c"},
      {"/a/:@!$&'()*+,=", "/a/:@!$&'()*+,="},
  };
  for (const auto& [given, normal] : cases) {
    ASSERT_TRUE(normal_path(given)) << given;
    EXPECT_EQ(*normal_path(given), normal) << given;
    EXPECT_EQ(*normal_path(normal), normal) << "once is enough: " << given;
  }
}

TEST(NormalPath, RefusesWhatNoFormMakesSafe) {
  for (const char* path : {"",
                           "a",
                           "*",
                           "/..",
                           "/../a",
                           "/a/../..",
                           "/%2e%2e/a",
                           "/a%2fb",
                           "/a%2Fb",
                           "/a%5cb",
                           "/a\\b",
                           "/%00",
                           "/a%0ab",
                           "/a%7f",
                           "/a/..;/b",
                           "/a/..;x=y/b",
                           "/a/.;/b",
                           "/;x/a",
                           "/a/;/b",
                           "/%252e%252e/a",
                           "/a%252fb",
                           "/a%255cb",
                           "/a%2500",
                           "/a%25252f",
                           "/%c0%ae%c0%ae/a",
                           "/a%c0%afb",
                           "/a%e0%80%afb",
                           "/a%f0%80%80%afb",
                           "/a%25c0%25af",
                           "/a%",
                           "/a%2",
                           "/a%zz",
                           "/a%u0061"})
    EXPECT_FALSE(normal_path(path)) << path << " became " << normal_path(path).value_or("");
}

TEST(PlainPath, IsItsOwnNormalForm) {
  for (const char* path : {"/", "/a", "/a/b-c_d~e.f", "/a/", "/api/v1/orders/0123"}) {
    EXPECT_TRUE(is_plain_path(path)) << path;
    EXPECT_EQ(normal_path(path), path);
  }
  for (const char* path : {"", "a", "//", "/a//b", "/.", "/a/..", "/.a", "/a;b", "/%61", "/a\\b", "/a+b"})
    EXPECT_FALSE(is_plain_path(path)) << path;
}

TEST(Readings, AreThoseOfEveryServer) {
  const auto reads = [](const char* path, const char* reading) {
    const auto all = readings_of(path);
    return std::find(all.begin(), all.end(), reading) != all.end();
  };
  EXPECT_TRUE(reads("/Shop/Account", "/shop/account")) << "Express does not mind the case";
  EXPECT_TRUE(reads("/a/", "/a")) << "nor a last slash";
  EXPECT_TRUE(reads("/a", "/a/"));
  EXPECT_TRUE(reads("/a;x/b", "/a/b")) << "Tomcat";
  EXPECT_TRUE(reads("/a;x/b", "/a;x/b")) << "nginx";
  EXPECT_TRUE(reads("/a%3Bx/b", "/a/b"));
  EXPECT_TRUE(reads("/a%3Bx/b", "/a;x/b")) << "Starlette";
  EXPECT_TRUE(reads("/%2541", "/a")) << "decoded twice";
  EXPECT_TRUE(reads("/a%3Fb", "/a"));
  EXPECT_TRUE(reads("/a%23b", "/a"));
  EXPECT_TRUE(reads("/a%20b", "/a b"));
  EXPECT_TRUE(reads("/a/%3Bx/", "/a/")) << "a segment that was a parameter alone leaves none behind";
  EXPECT_TRUE(reads("/a/%3B%3F%3F/", "/a"));
  EXPECT_TRUE(reads("/x/..%3By/a", "/a")) << "nor one of dots";
  EXPECT_TRUE(reads("/a%20/b", "/a/b")) << "Spring before 4.3";
  EXPECT_TRUE(reads("/%20a/b", "/a/b"));
  EXPECT_TRUE(reads("/a%2520/b", "/a/b"));
  EXPECT_TRUE(reads("/a%20%3Bx/b", "/a/b"));
  EXPECT_TRUE(reads("/a%20;x/b", "/a/b"));
  EXPECT_TRUE(reads("/a%20%3Fb", "/a"));
  EXPECT_TRUE(reads("/%20/a", "/a"));
  EXPECT_TRUE(reads("/x/%20../a", "/a"));
  EXPECT_TRUE(reads("/a%20", "/a /")) << "and a path of its own for all others";
  EXPECT_FALSE(reads("/a%20b", "/ab"));
  EXPECT_EQ(readings_of("/").size(), 1u);
}

}  // namespace
}  // namespace market::http
