#include <stdbool.h>

bool noticeBundled(void);
void noticeListen(void);
void noticePost(int call, const char *tag, const char *title, const char *body, const char *button);
void noticeRemove(const char *tag);
