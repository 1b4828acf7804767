//go:build darwin && cgo

// Written from documentation, never compiled: that needs Apple's SDK.

#import <Foundation/Foundation.h>
#import <UserNotifications/UserNotifications.h>
#include "center_darwin.h"
#include "_cgo_export.h"

static NSString *const buttonAction = @"button";

@interface NoticeDelegate : NSObject <UNUserNotificationCenterDelegate>
@end

@implementation NoticeDelegate

// Shown also while one of our windows is in front.
- (void)userNotificationCenter:(UNUserNotificationCenter *)center
       willPresentNotification:(UNNotification *)notification
         withCompletionHandler:(void (^)(UNNotificationPresentationOptions))done {
	done(UNNotificationPresentationOptionBanner | UNNotificationPresentationOptionList);
}

- (void)userNotificationCenter:(UNUserNotificationCenter *)center
    didReceiveNotificationResponse:(UNNotificationResponse *)response
             withCompletionHandler:(void (^)(void))done {
	NSString *action = response.actionIdentifier;
	if (![action isEqualToString:UNNotificationDismissActionIdentifier]) {
		noticeAnswered((char *)response.notification.request.identifier.UTF8String,
		               [action isEqualToString:buttonAction]);
	}
	done();
}

@end

static NoticeDelegate *delegate; // the centre keeps no hold of it
static NSMutableSet<UNNotificationCategory *> *categories;

bool noticeBundled(void) {
	NSBundle *main = NSBundle.mainBundle;
	return main.bundleIdentifier != nil && [main.bundlePath hasSuffix:@".app"];
}

void noticeListen(void) {
	@autoreleasepool {
		delegate = [NoticeDelegate new];
		categories = [NSMutableSet set];
		UNUserNotificationCenter.currentNotificationCenter.delegate = delegate;
	}
}

void noticePost(int call, const char *tag, const char *title, const char *body, const char *button) {
	@autoreleasepool {
		UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
		UNMutableNotificationContent *content = [UNMutableNotificationContent new];
		NSString *identifier = @(tag);
		NSString *label = @(button);
		content.title = @(title);
		content.body = @(body);
		if (label.length > 0) {
			// A category holds the buttons: one for each label.
			UNNotificationAction *action =
			    [UNNotificationAction actionWithIdentifier:buttonAction
			                                         title:label
			                                       options:UNNotificationActionOptionForeground];
			UNNotificationCategory *category =
			    [UNNotificationCategory categoryWithIdentifier:label
			                                           actions:@[ action ]
			                                 intentIdentifiers:@[]
			                                           options:UNNotificationCategoryOptionNone];
			@synchronized(categories) {
				[categories addObject:category];
				[center setNotificationCategories:[categories copy]];
			}
			content.categoryIdentifier = label;
		}
		[center requestAuthorizationWithOptions:UNAuthorizationOptionAlert
		                      completionHandler:^(BOOL granted, NSError *error) {
			if (!granted) {
				noticePosted(call, (char *)(error ? error.localizedDescription.UTF8String : ""));
				return;
			}
			// The same identifier replaces what was delivered before.
			UNNotificationRequest *request =
			    [UNNotificationRequest requestWithIdentifier:identifier content:content trigger:nil];
			[center addNotificationRequest:request
			         withCompletionHandler:^(NSError *failed) {
				noticePosted(call, (char *)(failed ? failed.localizedDescription.UTF8String : NULL));
			}];
		}];
	}
}

void noticeRemove(const char *tag) {
	@autoreleasepool {
		NSArray<NSString *> *tags = @[ @(tag) ];
		UNUserNotificationCenter *center = UNUserNotificationCenter.currentNotificationCenter;
		[center removePendingNotificationRequestsWithIdentifiers:tags];
		[center removeDeliveredNotificationsWithIdentifiers:tags];
	}
}
