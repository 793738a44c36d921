"""Nova's fake compute driver with the networking of its libvirt driver: the interfaces of a guest are plugged and unplugged by libvirt's own
code, which runs mm-ctl, and where libvirt waits for Neutron's events before a guest runs, this waits. A guest is a network namespace for each
interface (guest.py)."""

import os
import subprocess
import sys
import time

import eventlet.timeout
import nova.conf
import nova.privsep
from nova import exception
from nova.virt import fake
from nova.virt.libvirt import vif as libvirt_vif

CONF = nova.conf.CONF

GUEST = os.path.join(os.path.dirname(__file__), 'guest.py')


class Driver(fake.FakeDriver):

    def __init__(self, virtapi):
        super().__init__(virtapi)
        nova.privsep.sys_admin_pctxt.set_client_mode(False)  # it runs as root already
        self.vif_driver = libvirt_vif.LibvirtGenericVIFDriver()
        self.guests = {}  # by port

    def plug_vifs(self, instance, network_info):
        for vif in network_info:
            self.vif_driver.plug(instance, vif)

    def unplug_vifs(self, instance, network_info):
        for vif in network_info:
            self._end(vif)
            self.vif_driver.unplug(instance, vif)

    def _file(self, vif):
        return os.path.join(CONF.state_path, CONF.host + '.' + vif['id'])

    def _run(self, vif):
        """As QEMU does when a guest begins, paused or not: from now on the interface has a carrier."""
        if vif['id'] in self.guests:
            return
        guest = subprocess.Popen([sys.executable, GUEST, self.vif_driver.get_vif_devname(vif), vif['address'], self._file(vif)])
        self.guests[vif['id']] = guest
        while not os.path.exists(self._file(vif)):
            if guest.poll() is not None:
                raise exception.InternalError('the guest has ended')
            time.sleep(0.05)

    def _end(self, vif):
        guest = self.guests.pop(vif['id'], None)
        if guest:
            guest.kill()
            guest.wait()
            os.remove(self._file(vif))

    def _begin(self, instance, network_info):
        """libvirt's _create_guest_with_network."""
        network_info = network_info or []
        events = [('network-vif-plugged', vif['id']) for vif in network_info if vif.get('active', True) is False]
        try:
            with self.virtapi.wait_for_instance_event(instance, events, deadline=CONF.vif_plugging_timeout,
                                                      error_callback=self._failed):
                self.plug_vifs(instance, network_info)
                for vif in network_info:
                    self._run(vif)
        except eventlet.timeout.Timeout:
            if CONF.vif_plugging_is_fatal:
                self.unplug_vifs(instance, network_info)
                raise exception.VirtualInterfaceCreateException()

    def _failed(self, event_name, instance):
        if CONF.vif_plugging_is_fatal:
            raise exception.VirtualInterfaceCreateException()

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None, **kwargs):
        self._begin(instance, network_info)
        super().spawn(context, instance, image_meta, injected_files, admin_password, allocations, network_info=network_info, **kwargs)

    def destroy(self, context, instance, network_info, *args, **kwargs):
        super().destroy(context, instance, network_info, *args, **kwargs)
        self.unplug_vifs(instance, network_info)

    def cleanup(self, context, instance, network_info, block_device_info=None, destroy_disks=True, migrate_data=None, destroy_vifs=True,
                destroy_secrets=True):
        self.instances.pop(instance.uuid, None)
        if destroy_vifs:
            self.unplug_vifs(instance, network_info)

    def attach_interface(self, context, instance, image_meta, vif):
        super().attach_interface(context, instance, image_meta, vif)
        self.vif_driver.plug(instance, vif)
        self._run(vif)

    def detach_interface(self, context, instance, vif):
        self._interfaces.setdefault(vif['id'], vif)  # a guest that came from another host has it all the same
        super().detach_interface(context, instance, vif)
        self.unplug_vifs(instance, [vif])

    def migrate_disk_and_power_off(self, context, instance, dest, flavor, network_info, *args, **kwargs):
        self.unplug_vifs(instance, network_info)

    def finish_migration(self, context, migration, instance, disk_info, network_info, *args, **kwargs):
        self._begin(instance, network_info)
        super().finish_migration(context, migration, instance, disk_info, network_info, *args, **kwargs)

    def finish_revert_migration(self, context, instance, network_info, *args, **kwargs):
        self._begin(instance, network_info)
        super().finish_revert_migration(context, instance, network_info, *args, **kwargs)

    def pre_live_migration(self, context, instance, block_device_info, network_info, disk_info, migrate_data):
        self.plug_vifs(instance, network_info)
        for vif in network_info:
            self._run(vif)
        return super().pre_live_migration(context, instance, block_device_info, network_info, disk_info, migrate_data)

    def post_live_migration_at_source(self, context, instance, network_info):
        self.unplug_vifs(instance, network_info)

    def rollback_live_migration_at_destination(self, context, instance, network_info, *args, **kwargs):
        self.unplug_vifs(instance, network_info)
